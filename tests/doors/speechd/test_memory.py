"""What comes back after a pause is recognised, as speech-dispatcher 0.11.4 was recorded to send it."""

import tracemalloc
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
ZH = WRAPPED[0][0]
EN_NONE = WRAPPED[4][0]
EN = WRAPPED[6][0]
SSML = '<speak>你好,<mark name="0:2"/>世界!<mark name="__spd_0"/></speak>'


def recall(paused: str, arrived: str, position: int = 9) -> Resumed | None:
    memory = PauseMemory()
    memory.remember(Markup(paused), position)
    return memory.recall(Markup(arrived))


@pytest.mark.parametrize(("paused", "arrived"), WRAPPED + ESCAPED)
def test_a_message_that_was_wrapped_again_goes_on_in_the_paused_one(paused: str, arrived: str) -> None:
    resumed = recall(paused, arrived)
    assert resumed is not None
    assert (resumed.markup.source, resumed.position) == (paused, 9)


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
        SSML,
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


def test_a_message_without_words_is_never_recognised() -> None:
    assert recall("<speak>...</speak>", "<speak> speak ... speak </speak>") is None


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
