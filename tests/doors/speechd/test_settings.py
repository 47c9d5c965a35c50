"""What SET means for the daemon."""

import pytest

from chatttsd.doors.speechd.configuration import Configuration
from chatttsd.doors.speechd.settings import Settings, pitch_factor, rate_factor, volume_factor
from chatttsd.speech.options import SpeakOptions, parse_options

USUAL = (
    "pitch=0 pitch_range=0 rate=0 volume=100 punctuation_mode=none spelling_mode=off cap_let_recogn=none "
    "voice=male1 language=en-us synthesis_voice=NULL"
)
OWN = {"priority": "important", "bind_to_client": "true"}


def options(*lines: str, kind: str = "SPEAK", configuration: Configuration | None = None) -> dict[str, str]:
    settings = Settings(configuration or Configuration())
    settings.update([*USUAL.split(), *lines])
    return settings.options(kind)


def test_what_the_server_sends_for_a_new_client_is_all_default() -> None:
    assert options() == {**OWN, "kind": "ssml", "language": "en-us"}


@pytest.mark.parametrize(("kind", "sent"), [("SPEAK", "ssml"), ("CHAR", "char"), ("KEY", "key")])
def test_the_kind_of_a_message_is_the_daemons(kind: str, sent: str) -> None:
    assert options(kind=kind)["kind"] == sent


def test_only_what_changed_is_sent_so_the_rest_is_kept() -> None:
    settings = Settings(Configuration())
    settings.update(["rate=100", "language=zh"])
    settings.update(["rate=-100"])
    assert settings.options("SPEAK")["language"] == "zh"
    assert float(settings.options("SPEAK")["rate"]) == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.parametrize(("value", "factor"), [(-100, 1 / 3), (-50, 3**-0.5), (0, 1), (50, 3**0.5), (100, 3)])
def test_rate_is_a_ratio(value: int, factor: float) -> None:
    assert rate_factor(value, 3.0) == pytest.approx(factor)


@pytest.mark.parametrize(("value", "factor"), [(-100, 0.5), (0, 1), (100, 2)])
def test_pitch_goes_an_octave_each_way(value: int, factor: float) -> None:
    assert pitch_factor(value) == pytest.approx(factor)


def test_volume_is_full_at_100_half_as_loud_at_0_and_never_nothing() -> None:
    assert volume_factor(100) == 1.0
    assert volume_factor(0) == pytest.approx(10 ** (-10 / 20), abs=0.002)
    assert volume_factor(-100) == 0.01
    steps = [volume_factor(value) for value in range(-100, 101)]
    assert steps == sorted(steps)


@pytest.mark.parametrize("line", ["rate=fast", "rate=", "pitch=1.5", "volume=NULL"])
def test_a_bad_number_is_the_usual_one(line: str) -> None:
    assert options(line) == options()


@pytest.mark.parametrize("line", ["rate=1000", "rate=-1000", "pitch=500", "pitch=-500", "volume=-999"])
def test_what_is_out_of_range_still_is_something_that_the_daemon_takes(line: str) -> None:
    parse_options(options(line), SpeakOptions())


def test_every_mode_becomes_an_option_that_the_daemon_takes() -> None:
    chosen = options(
        "punctuation_mode=most", "spelling_mode=on", "cap_let_recogn=icon", "synthesis_voice=chattts/alder"
    )
    assert chosen["punctuation"] == "most"
    assert (chosen["spelling"], chosen["capitals"], chosen["voice"]) == ("true", "icon", "chattts/alder")
    parse_options(chosen, SpeakOptions())


def test_null_takes_a_value_away() -> None:
    assert "voice" not in options("synthesis_voice=chattts/alder", "synthesis_voice=NULL")
    assert "language" not in options("language=NULL")


def test_a_line_without_a_value_is_left_out() -> None:
    assert options("nonsense", "=", "rate") == options()


def test_a_voice_type_is_the_voice_that_the_configuration_names_for_the_language() -> None:
    configuration = Configuration()
    configuration.take('AddVoice "zh" "FEMALE1" "chattts/birch"')
    assert options("language=zh-cn", "voice=female1", configuration=configuration)["voice"] == "chattts/birch"
    assert "voice" not in options("language=en", "voice=female1", configuration=configuration)
    named = options(
        "language=zh", "voice=female1", "synthesis_voice=espeak-ng/cmn", configuration=configuration
    )
    assert named["voice"] == "espeak-ng/cmn", "a voice chosen by name comes first"


def test_the_configuration_sets_priority_range_and_further_options() -> None:
    configuration = Configuration()
    for line in ("Priority message", "RateRange 4", "Option engine espeak-ng"):
        configuration.take(line)
    chosen = options("rate=100", configuration=configuration)
    assert (chosen["priority"], chosen["rate"], chosen["engine"]) == ("message", "4.0000", "espeak-ng")
