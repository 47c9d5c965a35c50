"""What is learnt of a voice's loudness goes with its requests; a changed voice is unknown again."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

import pytest

from chatttsd.engine.api import Level, SynthesisRequest
from chatttsd.engine.fallback import Embedded
from chatttsd.engine.voice_levels import ENOUGH_TENTHS, MOST_DB, MOST_VOICES, TARGET, Levelled, VoiceLevels

VOICE = "chattts/alder"
REQUEST = SynthesisRequest("hello there", voice=VOICE)
ENOUGH = Level(TARGET - 7.04, ENOUGH_TENTHS)


class Stage:
    """Levels of voices whose files a test can change."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[object, ...] | None] = {}
        self.levels = VoiceLevels(lambda voice: self.files.get(voice, ("model",)))

    def hear(self, level: Level, voice: str = VOICE, **options: str) -> None:
        """Do what the worker does after a request."""
        request = replace(REQUEST, voice=voice, **options)  # type: ignore[arg-type] # options differ in type
        self.levels.levelled(request).tell_level(level)

    def gain(self, voice: str = VOICE) -> float:
        return self.levels.levelled(replace(REQUEST, voice=voice)).gain


def test_the_gain_of_a_voice_is_none_until_enough_of_it_was_heard() -> None:
    stage = Stage()
    assert stage.gain() == 0.0
    stage.hear(Level(TARGET - 7.04, ENOUGH_TENTHS - 1))
    assert stage.gain() == 0.0
    stage.hear(Level(TARGET - 7.04, 1))
    assert stage.gain() == 7.0


def test_a_request_with_a_seed_of_its_own_is_the_same_whatever_is_known() -> None:
    stage = Stage()
    seeded = replace(REQUEST, parameters={"seed": "7"})
    before = stage.levels.levelled(seeded)
    stage.hear(ENOUGH)
    after = stage.levels.levelled(replace(seeded, following=(REQUEST, seeded)))
    assert (before.gain, after.gain) == (0.0, 0.0)
    assert [item.gain for item in after.following] == [7.0, 0.0]


def test_the_loudness_of_several_requests_is_that_of_their_power() -> None:
    stage = Stage()
    stage.hear(Level(-10.0, ENOUGH_TENTHS // 4), kind="char")
    stage.hear(Level(-20.0, ENOUGH_TENTHS // 2))
    stage.hear(Level(-20.0, ENOUGH_TENTHS // 4))
    assert stage.gain() == pytest.approx(-5.1), "3.25 times the power of the softer ones"


def test_what_is_known_first_stays() -> None:
    stage = Stage()
    for level in (ENOUGH, Level(-3.0, 1000)):
        stage.hear(level)
        assert stage.gain() == 7.0


def test_each_voice_has_a_gain_of_its_own() -> None:
    stage = Stage()
    stage.hear(ENOUGH)
    stage.hear(Level(TARGET + 3.0, 100), voice="")
    assert (stage.gain(), stage.gain(""), stage.gain("chattts/birch")) == (7.0, -3.0, 0.0)


@pytest.mark.parametrize(("lufs", "gain"), [(-70.0, MOST_DB), (10.0, -MOST_DB)])
def test_a_gain_is_within_bounds(lufs: float, gain: float) -> None:
    stage = Stage()
    stage.hear(Level(lufs, ENOUGH_TENTHS))
    assert stage.gain() == gain


def test_a_changed_voice_is_unknown_and_what_it_was_counts_for_nothing() -> None:
    stage = Stage()
    stage.hear(ENOUGH)
    stage.files[VOICE] = ("model", "another file")
    assert stage.gain() == 0.0
    stage.hear(Level(-17.0, ENOUGH_TENTHS))
    assert stage.gain() == -3.0


def test_a_voice_that_changes_while_it_speaks_is_not_learnt_from() -> None:
    stage = Stage()
    given = stage.levels.levelled(REQUEST)
    stage.files[VOICE] = ("model", "another file")
    given.tell_level(ENOUGH)
    assert stage.gain() == 0.0
    del stage.files[VOICE]
    assert stage.gain() == 0.0, "nobody knows which of them was heard"


def test_what_cannot_be_told_for_sure_is_neither_learnt_nor_known() -> None:
    stage = Stage()
    stage.files[VOICE] = None
    stage.hear(ENOUGH)
    assert stage.gain() == 0.0


def test_what_follows_has_the_gains_of_its_own_voices() -> None:
    stage = Stage()
    stage.hear(ENOUGH)
    others = (replace(REQUEST, text="next"), replace(REQUEST, voice="chattts/birch"))
    given = stage.levels.levelled(replace(REQUEST, following=others))
    assert [item.gain for item in given.following] == [7.0, 0.0]
    assert replace(given, gain=0.0, following=()) == REQUEST
    assert [replace(item, gain=0.0) for item in given.following] == list(others)


@pytest.mark.parametrize("kind", ["char", "key"])
def test_what_answers_a_key_stroke_needs_no_gain(kind: str) -> None:
    stage = Stage()
    stage.hear(ENOUGH)
    assert stage.levels.levelled(replace(REQUEST, kind=kind)).gain == 0.0


def test_only_the_voices_that_spoke_last_are_remembered() -> None:
    stage = Stage()
    for number in range(MOST_VOICES):
        stage.hear(ENOUGH, voice=str(number))
    stage.hear(ENOUGH, voice="0")
    stage.hear(ENOUGH, voice="one more")
    assert (stage.gain("0"), stage.gain("1"), stage.gain("2"), stage.gain("one more")) == (7.0, 0.0, 7.0, 7.0)


class Asked:
    """An engine that remembers what it was asked and tells a level."""

    def __init__(self) -> None:
        self.asked: list[SynthesisRequest] = []
        self.given: list[Mapping[str, object]] = []

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        self.asked.append(request)
        self.given.append({"expected_seconds": expected_seconds, "background": background})
        yield b"\x01\x00"
        request.tell_level(ENOUGH)


async def test_a_request_keeps_the_gain_it_began_with_and_the_next_has_what_is_known_then() -> None:
    engine, stage = Asked(), Stage()
    levelled = Levelled(engine, stage.levels)
    for _ in range(2):
        stream = levelled.synthesise(REQUEST, expected_seconds=2.0, background=True)
        assert [pcm async for pcm in stream] == [b"\x01\x00"]
    assert [request.gain for request in engine.asked] == [0.0, 7.0]
    assert engine.given == [{"expected_seconds": 2.0, "background": True}] * 2


async def test_an_engine_that_is_level_by_itself_hears_of_no_gain() -> None:
    engine, stage = Asked(), Stage()
    stage.hear(ENOUGH)
    levelled = Levelled(Embedded(engine), stage.levels)
    async for _ in levelled.synthesise(REQUEST, expected_seconds=1.0):
        pass
    assert [request.gain for request in engine.asked] == [0.0]
