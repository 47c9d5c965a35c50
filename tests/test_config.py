"""The configuration: defaults, and errors that name file, key, what came and what is allowed."""

from dataclasses import fields
from pathlib import Path

import pytest

from chatttsd.config import _RANGES, Config, ConfigError, default_path, load, parse

WRONG = [
    ("[speach]\n", "unknown section [speach]; did you mean 'speech'?"),
    (
        "[zzz]\n",
        "unknown section [zzz]; allowed: speech, audio, chattts, worker, cache, limits, desktop, logging",
    ),
    ("speech = 3\n", "'speech' must be a section, written [speech]"),
    ("[speech]\nrat = 1\n", "unknown key 'rat' in [speech]; did you mean 'rate'?"),
    ("[speech]\nrate = 9\n", "speech.rate: option 'rate': got '9', allowed: a number from 0.25 to 4"),
    ("[speech]\nrate = true\n", "speech.rate: got True, allowed: a number"),
    ("[speech]\nrate = '1'\n", "speech.rate: got '1', allowed: a number"),
    (
        "[speech]\nengine = 'festival'\n",
        "speech.engine: got 'festival', allowed: auto, chattts, espeak-ng, tone",
    ),
    (
        "[speech]\npriority = 'x'\n",
        "speech.priority: got 'x', allowed: important, message, text, notification, progress",
    ),
    ("[audio]\nlatency_ms = 2\n", "audio.latency_ms: got 2, allowed: 5 to 500"),
    ("[audio]\nlatency_ms = 20.5\n", "audio.latency_ms: got 20.5, allowed: a whole number"),
    ("[audio]\nwait_seconds = nan\n", "audio.wait_seconds: got nan, allowed: 0.5 to 3600"),
    ("[audio]\ndevice = 4\n", "audio.device: got 4, allowed: a string"),
    ("[logging]\nlevel = 'loud'\n", "logging.level: got 'loud', allowed: debug, info, warning, error"),
    (
        "[chattts]\nmodel_dir = 'models'\n",
        "chattts.model_dir: got 'models', allowed: a path that begins with / or ~/",
    ),
    (
        "[chattts]\nprecision = 'fp16'\n",
        "chattts.precision: got 'fp16', allowed: auto, fp32, bf16, int8, int4",
    ),
    ("[chattts]\nbatch = 5\n", "chattts.batch: got 5, allowed: 1 to 4"),
    ("[chattts]\nload = 'never'\n", "chattts.load: got 'never', allowed: start, request"),
    ("[chattts]\nwhile_loading = 'no'\n", "chattts.while_loading: got 'no', allowed: fallback, wait"),
    ("[chattts]\nemoji = 'sing'\n", "chattts.emoji: got 'sing', allowed: name, drop"),
    ("[cache]\nmegabytes = 5000\n", "cache.megabytes: got 5000, allowed: 0 to 4096"),
    ("[cache]\nmegabytes = true\n", "cache.megabytes: got True, allowed: a whole number"),
    ("[cache]\necho = 1\n", "cache.echo: got 1, allowed: true or false"),
    ("[limits]\nqueued_total = 0\n", "limits.queued_total: got 0, allowed: 1 to 100000"),
]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CHATTTSD_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    (tmp_path / "chatttsd").mkdir()
    return tmp_path / "chatttsd" / "config.toml"


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_mistake_is_named_with_what_is_allowed(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load()
    assert str(caught.value) == f"{file}: {message}"


def test_no_file_means_defaults(file: Path) -> None:
    assert load() == Config()


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: there is no such file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("content", "message"), [(b"[speech\n", "not valid TOML"), (b"\xff\xfe", "cannot be read")]
)
def test_a_file_that_cannot_be_read_says_why(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load()


def test_values_are_taken_and_become_options(file: Path) -> None:
    file.write_text(
        "[speech]\nrate = 2\nvoice = 'espeak-ng/cmn'\npriority = 'text'\n[audio]\ndevice = 'pulse'\n"
    )
    config = load()
    options = config.speech.options()
    assert (options.rate, options.voice, options.priority) == (2.0, "espeak-ng/cmn", "text")
    assert isinstance(options.rate, float)
    assert config.audio.device == "pulse"
    assert config.limits == Config().limits


def test_the_users_file_goes_before_the_systems(file: Path, tmp_path: Path) -> None:
    system = tmp_path / "etc" / "chatttsd" / "config.toml"
    system.parent.mkdir(parents=True)
    system.write_text("[speech]\nrate = 3\n")
    assert default_path() == system
    assert load().speech.rate == 3
    file.write_text("")
    assert default_path() == file
    assert load().speech.rate == 1


def test_the_environment_names_another_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[speech]\nvolume = 0.5\n")
    monkeypatch.setenv("CHATTTSD_CONFIG", str(other))
    assert load().speech.volume == 0.5


def test_every_number_has_a_range_and_every_default_lies_in_it() -> None:
    config = Config()
    for section in fields(config):
        values = getattr(config, section.name)
        tables = {section.name: {f.name: getattr(values, f.name) for f in fields(values)}}
        assert getattr(parse(tables, "defaults"), section.name) == values
        for key, value in tables[section.name].items():
            name = f"{section.name}.{key}"
            assert (
                isinstance(value, str | bool) or name in _RANGES or name in ("speech.rate", "speech.volume")
            ), name


@pytest.mark.parametrize("folder", ["", "/srv/ChatTTS", "~/ChatTTS"])
def test_the_folder_of_the_model_is_absolute_or_in_the_home(file: Path, folder: str) -> None:
    file.write_text(f"[chattts]\nmodel_dir = '{folder}'\nidle_unload_seconds = 60\n")
    model = load().chattts
    assert (model.model_dir, model.idle_unload_seconds) == (folder, 60.0)
