"""What comes back after a pause is recognised, as speech-dispatcher 0.11.4 was recorded to send it."""

import html
import re
import tracemalloc
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from chatttsd.doors.speechd.markup import Markup
from chatttsd.doors.speechd.memory import PauseMemory, Resumed

RECORDED = Path(__file__).parents[2] / "data" / "speechd" / "resumed.txt"


def recorded(section: str) -> list[tuple[str, str]]:
    """Pairs of a message and of what came when it was resumed."""
    lines = RECORDED.read_text(encoding="utf-8").split(f"[{section}]\n")[1].split("[")[0].splitlines()
    return list(zip(lines[::2], lines[1::2], strict=True))


WRAPPED = recorded("wrapped")
ESCAPED = recorded("escaped")
RESTARTED = recorded("restarted")
CHAINS = [
    (paused, [arrived for _, arrived in group])
    for pairs in (WRAPPED, ESCAPED, RESTARTED)
    for paused, group in groupby(pairs, key=lambda pair: pair[0])
]
"""Messages, and what came of each at its first resumption and the next."""
SYMBOLS = re.compile(r"[<>/=\"_&;]")
SERVER_MARKS = re.compile(r'<mark name="__spd_\d+"/>')
ZH = WRAPPED[0][0]
EN_NONE = WRAPPED[4][0]
EN = WRAPPED[6][0]
SSML = '<speak>你好,<mark name="0:2"/>世界!<mark name="__spd_0"/></speak>'


def wrapped(body: str) -> str:
    """A body as the server wraps it that was told of the mark which makes it begin anew."""
    return wrapped_with_its_end(SERVER_MARKS.sub("", body).partition("</speak>")[0])


def wrapped_with_its_end(body: str) -> str:
    """A body as the server wraps it by itself, with symbol tables."""
    return f"<speak>{SYMBOLS.sub(' ', body)}</speak>"


def escaped(body: str) -> str:
    """The same without symbol tables."""
    return f"<speak>{html.escape(body, quote=False)}</speak>"


def recall(paused: str, arrived: str, position: int = 9) -> Resumed | None:
    memory = PauseMemory()
    memory.remember(Markup(paused), position)
    return memory.recall(Markup(arrived))


@pytest.mark.parametrize(("paused", "came"), CHAINS)
def test_a_message_that_was_wrapped_again_goes_on_in_the_paused_one(paused: str, came: list[str]) -> None:
    memory = PauseMemory()
    memory.remember(Markup(paused), 9)
    for number, arrived in enumerate(came, 10):
        resumed = memory.recall(Markup(arrived))
        assert resumed is not None
        assert (resumed.markup.source, resumed.position) == (paused, number - 1)
        memory.remember(resumed.markup, number, arrived)


@pytest.mark.parametrize("paused", [ZH, EN])
@pytest.mark.parametrize("rewrap", [wrapped, wrapped_with_its_end, escaped])
def test_however_often_it_was_wrapped_it_goes_on(paused: str, rewrap: Callable[[str], str]) -> None:
    memory, body = PauseMemory(), paused
    memory.remember(Markup(paused), 1)
    for number in range(2, 60):
        body = rewrap(body)
        resumed = memory.recall(Markup(body))
        assert resumed is not None
        assert (resumed.markup.source, resumed.position) == (paused, number - 1)
        memory.remember(resumed.markup, number, body)


def test_ssml_goes_on_however_often_a_root_was_put_before_it() -> None:
    memory, body = PauseMemory(), SSML
    memory.remember(Markup(SSML), 1)
    for number in range(2, 60):
        body = f"<speak>{body}"
        resumed = memory.recall(Markup(body))
        assert resumed is not None
        assert (resumed.markup.source, resumed.position) == (SSML, number - 1)
        memory.remember(resumed.markup, number, body)


def test_marks_that_the_server_no_longer_has_are_not_told() -> None:
    wrapped, escaped = recall(EN_NONE, WRAPPED[4][1]), recall(*ESCAPED[2])
    assert wrapped is not None
    assert escaped is not None
    assert wrapped.untold == {"__spd_0", "__spd_1"}
    assert escaped.untold == frozenset()


@pytest.mark.parametrize(
    "arrived",
    [
        '<speak>你好,<mark name="0:2"/>世界!<mark name="__spd_0"/><mark name="__spd_0"/></speak>',
        SSML.replace("</speak>", '<mark name="__spd_0"/>' * 2 + "</speak>"),
        f"<speak>{SSML}",
    ],
)
def test_a_clients_own_ssml_that_comes_again_goes_on(arrived: str) -> None:
    resumed = recall(SSML, arrived)
    assert resumed is not None
    assert (resumed.markup.source, resumed.position, resumed.untold) == (SSML, 9, frozenset())


@pytest.mark.parametrize(
    "arrived",
    [
        ZH,
        "<speak>再见。</speak>",
        "<speak>你好</speak>",
        "<speak> speak to me</speak>",
        "<speak> speak 你好,世界</speak>",
        "<speak> speak 测试。再见。你好,世界 你好 speak </speak>",
        "<speak> speak " + "你好,世界 你好(测试)。再见。" + "其他的话" * 20 + " speak </speak>",
        "<speak></speak>",
    ],
)
def test_another_message_is_not_taken_for_it(arrived: str) -> None:
    assert recall(ZH, arrived) is None


@pytest.mark.parametrize(
    "paused", [SSML, "<speak>你好</speak>", "你好", '<speak><mark name="a"/>你好</speak>']
)
def test_ssml_that_is_sent_again_is_a_new_message(paused: str) -> None:
    assert recall(paused, paused) is None


@pytest.mark.parametrize(
    ("paused", "arrived"),
    [
        ("<speak>你好</speak>", "<speak>Speak: 你们都好吗</speak>"),
        ("<speak>你好</speak>", "<speak>Speak 你好</speak>"),
        ("<speak>你好</speak>", "<speak>speak 你好 speak</speak>"),
        ("<speak>你好</speak>", "<speak> speak 你好啊</speak>"),
        ("<speak>你好,世界</speak>", "<speak> speak 你好 comma,世界  speak </speak>"),
        ("<speak>Hello, world.</speak>", "<speak> speak Hello, new world.  speak </speak>"),
        ("<speak>Hello, world.</speak>", "<speak> speak Hello, world. It is late.  speak </speak>"),
        ("<speak>Hello, world.</speak>", "<speak>I speak hello, world.</speak>"),
        ("<speak>speak up</speak>", "<speak>speak speak up</speak>"),
        ("<speak>Hello</speak>", "<speak>&lt;speak&gt;Hello you</speak>"),
        (SSML, f"<speak>{SSML}".replace("世界", "世间")),
        (SSML, f"<speak>{SSML}".replace("0:2", "0:3")),
    ],
)
def test_a_text_about_speaking_is_not_taken_for_a_wrapped_one(paused: str, arrived: str) -> None:
    assert recall(paused, arrived) is None


def test_a_client_that_turned_to_ssml_after_its_text_gets_it_back() -> None:
    resumed = recall("<speak>你好</speak>", "<speak> speak  speak 你好  speak </speak>")
    assert resumed is not None
    assert resumed.position == 9


def test_the_rest_behind_a_mark_is_a_message_of_its_own() -> None:
    assert recall(EN, '<speak> Second (two)  less b greater .<mark name="__spd_0"/> Third!</speak>') is None


def test_the_rest_is_mended_where_it_was_escaped_twice() -> None:
    paused = '<speak>One.<mark name="__spd_0"/> AT&amp;T is &lt;b&gt;.</speak>'
    resumed = recall(paused, "<speak> AT&amp;amp;T is &amp;lt;b&amp;gt;.</speak>")
    assert resumed is not None
    assert (resumed.markup.source, resumed.position) == ("<speak> AT&amp;T is &lt;b&gt;.</speak>", 0)


def test_what_a_user_writes_about_entities_stays_as_it_is() -> None:
    assert recall(ZH, "<speak>write &amp;lt; for less</speak>") is None


def test_each_client_gets_its_own_message_back() -> None:
    memory = PauseMemory()
    memory.remember(Markup(ZH), 5)
    memory.remember(Markup(EN), 20)
    first = memory.recall(Markup(WRAPPED[0][1]))
    assert first is not None
    assert first.markup.source == ZH
    second = memory.recall(Markup(WRAPPED[6][1]))
    assert second is not None
    assert (second.markup.source, second.position) == (EN, 20)


def test_what_has_gone_on_is_forgotten() -> None:
    memory = PauseMemory()
    memory.remember(Markup(ZH), 5)
    assert memory.recall(Markup(WRAPPED[0][1])) is not None
    assert memory.recall(Markup(WRAPPED[0][1])) is None


def test_the_memory_is_bounded() -> None:
    memory = PauseMemory()
    memory.remember(Markup(ZH), 5)
    for number in range(8):
        memory.remember(Markup(f"<speak>another text number {number}</speak>"), 0)
    assert memory.recall(Markup(WRAPPED[0][1])) is None


def test_a_message_without_words_is_recognised_too() -> None:
    assert recall("<speak>...</speak>", "<speak> speak ...</speak>") is not None
    assert recall("<speak>...</speak>", "<speak> ... </speak>") is None


def test_long_messages_that_are_paused_take_little_more_than_their_text() -> None:
    memory, kept = PauseMemory(), 0
    tracemalloc.start()
    try:
        for number in range(8):
            paused = Markup(f"<speak>{number}{'你好世界' * 10_000}</speak>")
            assert len(paused.words) > 40_000
            memory.remember(paused, 7)
            kept, paused = len(paused.source), Markup("")
            assert memory.recall(Markup("<speak> speak of it </speak>")) is None
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 8 * kept * 10
