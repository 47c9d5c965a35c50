"""The engine behind its contract, over a scripted decoder: what is announced, prepared, used and dropped."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, EngineError, SynthesisRequest
from chatttsd.engine.chattts.batch import Batch
from chatttsd.engine.chattts.delivery import Lead
from chatttsd.engine.chattts.engine import ChatTTSEngine
from chatttsd.engine.chattts.rendering import Turns
from chatttsd.engine.chattts.speaking import COMFORTABLE_SECONDS, Speaking
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.wording import Voices, Wording
from chatttsd.engine.post.manners import Hastened
from chatttsd.voices.files import StoredVoice, write
from chatttsd.voices.store import VoiceStore
from support.model_parts import Plain, PlainFrontEnd, make_tokens
from support.scripted_decoder import Script, ScriptedDecoder, ScriptedStream, tone

TEXTS = [
    "今天的天气比昨天好多了。",
    "明天早上我们坐火车去上海。",
    "他在桌子上放了一本旧书。",
    "请把窗户关上，外面很冷。",
    "晚饭以后大家去河边散步。",
]
"""About 110 tokens each."""


class Everything(dict[int, Script]):
    """A script for any prompt: told apart by the number of starts, so that the same is the same."""

    def __init__(self, tokens: int = 110) -> None:
        super().__init__()
        self.tokens = tokens

    def __missing__(self, _name: int) -> Script:
        return Script({seed: tone(self.tokens, 0.1 + 0.01 * seed) for seed in range(5)})


class Room:
    """An engine, its decoder and an ear."""

    def __init__(self, tokens: Tokens, folder: Path) -> None:
        self.decoder = ScriptedDecoder(Everything())
        self.front_end = PlainFrontEnd()
        self.now = 0.0
        self.lead = Lead(lambda: self.now)
        batch = Batch(self.decoder)
        voices = Voices(VoiceStore(folder))
        self.closed = 0
        self.engine = ChatTTSEngine(
            Wording(self.front_end, tokens, self.decoder, voices),
            voices,
            batch,
            Speaking(batch, lambda: Turns(ScriptedStream), self.lead, retries=2),
            self.lead,
            detail="scripted",
            close=self._close,
        )

    def _close(self) -> None:
        self.closed += 1

    def say(
        self, text: str, *following: str, cancelled: Cancelled = lambda: False, **options: object
    ) -> NDArray[np.int16]:
        chunks: list[NDArray[np.int16]] = [np.zeros(0, np.int16)]

        def emit(samples: NDArray[np.int16]) -> bool:
            chunks.append(samples)
            return True

        wanted = ask(text, **options)
        wanted = replace(wanted, following=tuple(ask(item, **options) for item in following))
        self.engine.synthesise(wanted, emit, cancelled)
        return np.concatenate(chunks)

    @property
    def rows(self) -> list[int]:
        """How many rows each start had."""
        return [len(start) for start in self.decoder.starts]


def ask(text: str, **options: object) -> SynthesisRequest:
    return replace(SynthesisRequest(text, language="zh"), **options)  # type: ignore[arg-type] # they differ in type


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return make_tokens(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture
def room(tokens: Tokens, tmp_path: Path) -> Room:
    return Room(tokens, tmp_path)


def read_aloud(room: Room, texts: Sequence[str], ahead: int = 3) -> list[NDArray[np.int16]]:
    """Say texts as the daemon does: each with those that follow it."""
    return [
        room.say(text, *texts[index + 1 : index + 1 + ahead], volume=0.5) for index, text in enumerate(texts)
    ]


def test_an_utterance_is_decoded_in_batches_and_no_segment_twice(room: Room) -> None:
    sounds = read_aloud(room, TEXTS)
    assert room.rows == [1, 4]
    assert room.decoder.steps == 111 + 111
    assert len(room.front_end.heard) == len(TEXTS)
    assert all(sound.size for sound in sounds)


def test_the_samples_do_not_depend_on_what_was_prepared(room: Room, tokens: Tokens, tmp_path: Path) -> None:
    alone = Room(tokens, tmp_path)
    for sound, text in zip(read_aloud(room, TEXTS), TEXTS, strict=True):
        assert np.array_equal(sound, alone.say(text))
    assert alone.rows == [1] * len(TEXTS)


def test_what_was_prepared_is_dropped_for_a_request_that_nobody_announced(room: Room) -> None:
    read_aloud(room, TEXTS[:2], ahead=3)
    room.lead.add(COMFORTABLE_SECONDS)
    room.say(TEXTS[0], *TEXTS[1:4])
    room.say("这是另外一段话的第一句。", *TEXTS[1:4])
    assert room.lead.seconds() < 5
    assert room.rows[-1] == 1
    before = room.decoder.steps
    room.say(TEXTS[1])
    assert room.decoder.steps > before


@pytest.mark.parametrize("change", [{"voice": "birch"}, {"rate": 1.2}, {"parameters": {"seed": "1"}}])
def test_a_prepared_segment_is_not_used_for_another_voice_rate_or_seed(
    room: Room, change: dict[str, Any]
) -> None:
    room.say(TEXTS[0])
    room.lead.add(10)
    room.say(TEXTS[0], TEXTS[1])
    starts = len(room.decoder.starts)
    room.say(TEXTS[1], **change)
    assert len(room.decoder.starts) == starts + 1


def test_another_volume_is_the_same_sound(room: Room) -> None:
    room.say(TEXTS[0], TEXTS[1], volume=1.0)
    room.lead.add(10)
    room.say(TEXTS[1], TEXTS[2], volume=1.0)
    starts = len(room.decoder.starts)
    room.say(TEXTS[2], volume=0.2)
    assert len(room.decoder.starts) == starts


def test_a_cancel_is_silent_drops_everything_and_leaves_the_engine_usable(room: Room) -> None:
    room.say(TEXTS[0], *TEXTS[1:4])
    begun = room.decoder.steps
    heard = room.say(TEXTS[1], *TEXTS[2:], cancelled=lambda: room.decoder.steps >= begun + 5)
    assert heard.size == 0
    assert room.decoder.steps == begun + 5
    assert room.say(TEXTS[1]).size
    assert room.rows == [1, 4, 1]


def test_a_text_that_cannot_be_spoken_fails_alone(room: Room) -> None:
    room.say(TEXTS[0], "???", TEXTS[1])
    room.say(TEXTS[1], "???", TEXTS[2])
    with pytest.raises(EngineError, match="nothing in the text can be spoken"):
        room.say("???", TEXTS[2])
    room.say(TEXTS[2])
    assert room.rows == [1, 2]


def test_a_voice_that_is_gone_fails_and_the_next_request_does_not(room: Room) -> None:
    with pytest.raises(EngineError, match="the voice chattts/nobody is not there"):
        room.say(TEXTS[0], voice="chattts/nobody")
    assert room.say(TEXTS[0]).size


def test_a_refinement_is_cancelled_too(room: Room) -> None:
    heard = room.say(TEXTS[0], cancelled=lambda: room.decoder.steps >= 1, parameters={"refine": "true"})
    assert heard.size == 0
    assert room.decoder.starts == []


def test_the_same_segment_twice_in_a_text_is_prepared_once(room: Room) -> None:
    room.say(TEXTS[0])
    room.lead.add(10)
    room.say(TEXTS[0], TEXTS[0], TEXTS[1], TEXTS[1])
    assert room.rows == [1, 2]


def test_memory_is_bounded_whatever_is_announced(room: Room) -> None:
    many = [f"第{index}句话说的是不同的事情。" for index in range(60)]
    for index in range(0, 50, 5):
        room.lead.add(100)
        room.say(many[index], *many[index + 1 : index + 9])
    assert max(room.rows) <= 4
    assert len(room.engine._batch._rows) <= 8


def test_a_fault_in_the_engine_drops_the_row_it_was_in(room: Room) -> None:
    broken: list[Callable[[], None]] = []

    def emit(_samples: NDArray[np.int16]) -> bool:
        broken.append(lambda: None)
        raise RuntimeError("the socket is gone")

    with pytest.raises(RuntimeError):
        room.engine.synthesise(ask(TEXTS[0]), emit, lambda: False)
    assert broken
    assert room.say(TEXTS[0]).size


def test_a_follower_that_breaks_the_front_end_does_not_cost_the_segment(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = room.front_end.spoken

    def broken(text: str, language: str) -> Plain:
        if text == TEXTS[1]:
            raise RuntimeError("a rule of the front end failed")
        return spoken(text, language)

    monkeypatch.setattr(room.front_end, "spoken", broken)
    room.lead.add(10)
    room.say(TEXTS[0])
    room.lead.add(10)
    assert room.say(TEXTS[0], TEXTS[1], TEXTS[2]).size
    with pytest.raises(RuntimeError):
        room.say(TEXTS[1])


def test_a_prepared_segment_is_made_anew_when_its_voice_changes_and_fails_when_it_goes(
    room: Room, tmp_path: Path
) -> None:
    one, other = VoiceStore(tmp_path).built_in()[:2]
    file = tmp_path / "mine.txt"
    for prepared in TEXTS[1:3]:
        write(file, StoredVoice("mine", "Mine", speaker=one.speaker))
        room.say(TEXTS[0], voice="mine")
        room.lead.add(10)
        room.say(TEXTS[0], prepared, voice="mine")
        starts = len(room.decoder.starts)
        if prepared == TEXTS[1]:
            write(file, StoredVoice("mine", "Mine", speaker=other.speaker))
            assert room.say(prepared, voice="mine").size
            assert len(room.decoder.starts) == starts + 1
        else:
            file.unlink()
            with pytest.raises(EngineError, match="the voice mine is not there"):
                room.say(prepared, voice="mine")


def test_after_a_skip_nothing_counts_as_ahead_and_what_was_prepared_is_used(room: Room) -> None:
    room.say(TEXTS[0])
    room.lead.add(10)
    room.say(TEXTS[0], TEXTS[1])
    assert room.lead.seconds() > 10
    sound = room.say(TEXTS[1], first=True)
    assert room.lead.seconds() == pytest.approx(sound.size / SAMPLE_RATE)
    assert room.rows == [1, 2]


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_what_is_ahead_of_the_ear_is_counted_as_it_is_heard(room: Room, rate: float) -> None:
    assert isinstance(room.engine, Hastened)
    room.engine.hear_at(rate)
    sound = room.say(TEXTS[0])
    assert room.lead.seconds() == pytest.approx(sound.size / SAMPLE_RATE / rate)


def test_voices_detail_and_the_end(room: Room) -> None:
    assert {voice.id for voice in room.engine.voices()} >= {"chattts/alder", "chattts/birch"}
    assert (room.engine.name, room.engine.detail) == ("chattts", "scripted")
    room.engine.close()
    assert room.closed == 1
