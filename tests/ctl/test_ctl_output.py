import io
import json

import pytest

from chatttsd.ctl import output
from chatttsd.ctl.output import Indicator, clean, coloured


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_clean_makes_one_bounded_line() -> None:
    assert clean("a\x1b[2Jb\nc\x07") == "a [2Jb c "
    assert clean("x" * 500) == "x" * 400 + "…"
    assert clean("中文 ok") == "中文 ok"


def test_record_is_one_line_of_json_that_keeps_chinese_readable(capsys: pytest.CaptureFixture[str]) -> None:
    output.record({"a": "中\n文"})
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert "中" in shown
    assert json.loads(shown) == {"a": "中\n文"}


def test_note_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.note("hm")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "chatttsctl: hm\n")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_follow_no_color_and_the_terminal(environment: dict[str, str], wanted: bool) -> None:
    assert coloured(Terminal(), environment) is wanted
    assert not coloured(io.StringIO(), environment)


def test_paint_adds_colour_only_on_a_terminal() -> None:
    assert output.paint("ok", 32, Terminal()) == "\x1b[32mok\x1b[0m"
    assert output.paint("ok", 32, io.StringIO()) == "ok"


def test_the_indicator_overwrites_one_line_and_leaves_it_empty() -> None:
    stream = Terminal()
    indicator = Indicator(stream)
    indicator.show("1/2")
    indicator.show("2/2")
    indicator.clear()
    indicator.clear()
    assert stream.getvalue() == "\r\x1b[K\x1b[2m1/2\x1b[0m\r\x1b[K\x1b[2m2/2\x1b[0m\r\x1b[K"


def test_the_indicator_has_no_colour_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Indicator(stream).show("1/2")
    assert stream.getvalue() == "\r\x1b[K1/2"


@pytest.mark.parametrize(("stream", "wanted", "term"), [
    (io.StringIO(), True, "xterm"), (Terminal(), False, "xterm"), (Terminal(), True, "dumb"),
])  # fmt: skip
def test_the_indicator_is_silent_elsewhere(
    stream: io.StringIO, wanted: bool, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    indicator = Indicator(stream, wanted)
    indicator.show("1/2")
    indicator.clear()
    assert stream.getvalue() == ""
