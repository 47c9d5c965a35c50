"""chattts.conf."""

from pathlib import Path

import pytest

from chatttsd.doors.speechd.configuration import Configuration, bus_address, read, split


def test_a_file_that_does_not_exist_is_the_default(tmp_path: Path) -> None:
    for configuration in (read(tmp_path / "chattts.conf"), read(None)):
        assert (configuration.priority, configuration.bus) == ("important", "session")
        assert configuration.faults == []


def test_comments_and_empty_lines_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chattts.conf"
    path.write_text('# a comment\n\n  Priority message # why\nAddVoice "zh" "FEMALE1" "a b#c"\nDebug 0\n')
    configuration = read(path)
    assert configuration.faults == []
    assert configuration.priority == "message"
    assert configuration.voice("zh-CN", "female1") == "a b#c"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  b\tc ", ["a", "b", "c"]),
        ('a "b c" ""', ["a", "b c", ""]),
        ('a "b # c" # d', ["a", "b # c"]),
        ("a#b", ["a"]),
        ('"open', ["open"]),
    ],
)
def test_words_are_split_at_blanks_outside_quotes(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("Priority highest", "allowed: important"),
        ("Priority", "0 values, allowed: 1"),
        ("RateRange 9", "a number from 1 to 4"),
        ("RateRange fast", "'fast'"),
        ("Bus elsewhere", "session, system"),
        ("Colour red", "'Colour' is unknown"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_count(tmp_path: Path, line: str, part: str) -> None:
    path = tmp_path / "chattts.conf"
    path.write_text(f"Option seed 7\n{line}\nOption speed 3\n")
    configuration = read(path)
    assert len(configuration.faults) == 1
    assert f"{path}, line 2: " in configuration.faults[0]
    assert part in configuration.faults[0]
    assert configuration.options == {"seed": "7", "speed": "3"}


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    configuration = read(tmp_path)
    assert "cannot be read" in configuration.faults[0]


def test_the_dialects_voice_comes_before_the_languages() -> None:
    configuration = Configuration()
    configuration.take("AddVoice en MALE1 a")
    configuration.take("AddVoice en-GB MALE1 b")
    assert [configuration.voice(tag, "male1") for tag in ("en-gb", "en-us", "EN", "fr")] == [
        "b",
        "a",
        "a",
        "",
    ]


@pytest.mark.parametrize(
    ("bus", "environment", "address"),
    [
        ("session", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/a"}, "unix:path=/a"),
        ("session", {"XDG_RUNTIME_DIR": "/run/user/1"}, "unix:path=/run/user/1/bus"),
        ("session", {}, ""),
        ("system", {}, "unix:path=/run/dbus/system_bus_socket"),
        ("system", {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/b"}, "unix:path=/b"),
        ("unix:path=/c", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/a"}, "unix:path=/c"),
    ],
)
def test_the_bus_is_found(bus: str, environment: dict[str, str], address: str) -> None:
    assert bus_address(bus, environment) == address


def test_every_setting_of_the_example_is_understood(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "packaging" / "speech-dispatcher" / "chattts.conf"
    lines = example.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "chattts.conf"
    path.write_text("\n".join(line[1:] for line in lines if line.startswith("#") and line[1:2].isupper()))
    configuration = read(path)
    assert configuration.faults == []
    assert configuration.options == {"engine": "auto", "seed": "42"}
    assert configuration.voice("zh-CN", "female1") == "chattts/birch"
