"""One request after another through scripted decoding: the guard, the batch ahead, cancelling."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import Prompt, Sampling
from chatttsd.engine.chattts.batch import Batch, Segment
from chatttsd.engine.chattts.delivery import LONGEST_HOLD_SECONDS, CancelledError, Lead
from chatttsd.engine.chattts.rendering import OpenStream, Rendering, Turns, VocoderThread
from chatttsd.engine.chattts.speaking import COMFORTABLE_SECONDS, Speaking
from support.scripted_decoder import (
    ENDLESS,
    Script,
    ScriptedDecoder,
    ScriptedGeneration,
    ScriptedStream,
    segment,
    square,
    tone,
)

A_SECOND = 47


class Bench:
    """A speaking engine with scripts, a clock that stands still and an ear."""

    def __init__(self, scripts: Mapping[int, Mapping[int, Sequence[float]]], retries: int = 2) -> None:
        self.decoder = ScriptedDecoder({name: Script(by_seed) for name, by_seed in scripts.items()})
        self.now = 0.0
        self.lead = Lead(lambda: self.now)
        self.reports: list[str] = []
        self.batch = Batch(self.decoder)
        self.chunks: list[NDArray[np.int16]] = []
        self.speaking = Speaking(
            self.batch, self.open, self.lead, retries=retries, report=self.reports.append
        )

    def open(self) -> Rendering:
        return Turns(ScriptedStream)

    def emit(self, samples: NDArray[np.int16]) -> bool:
        self.chunks.append(samples)
        return True

    def say(
        self,
        wanted: Segment,
        *others: Segment,
        cancelled: Callable[[], bool] = lambda: False,
        emit: Callable[[NDArray[np.int16]], bool] | None = None,
    ) -> NDArray[np.int16]:
        """Return what was heard."""
        self.chunks = []
        self.speaking.say(wanted, lambda: others, emit or self.emit, cancelled)
        return self.heard()

    def heard(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *self.chunks])

    def far_ahead(self) -> None:
        self.lead.add(COMFORTABLE_SECONDS + 1)


def tokens_in(sound: NDArray[np.int16]) -> float:
    return sound.size / 512


def test_a_segment_is_heard_token_by_token_as_it_is_made() -> None:
    bench = Bench({1: {0: tone(100)}})
    steps: list[int] = []

    def emit(samples: NDArray[np.int16]) -> bool:
        steps.append(bench.decoder.steps)
        return bench.emit(samples)

    assert tokens_in(bench.say(segment(1), emit=emit)) == pytest.approx(100, abs=1)
    assert steps[0] == 8 + 1
    assert len(steps) >= 100 // 8
    assert bench.decoder.steps == 101


def test_silence_at_the_head_is_not_heard() -> None:
    bench = Bench({1: {0: [0.0] * 40 + tone(60)}})
    assert tokens_in(bench.say(segment(1))) == pytest.approx(61, abs=1)


def test_the_same_segment_sounds_the_same_in_turns_beside_the_decoder_and_as_a_follower() -> None:
    scripts = {name: {0: tone(90 + name, 0.1 * name)} for name in (1, 2, 3, 4)}
    alone = [Bench(scripts).say(segment(name)) for name in (1, 2, 3, 4)]
    assert all(tokens_in(sound) > 80 for sound in alone)

    together = Bench(scripts)
    together.far_ahead()
    thread = VocoderThread(ScriptedStream)
    together.speaking = Speaking(together.batch, thread.open, together.lead, retries=2)
    parts = [segment(name) for name in (1, 2, 3, 4)]
    for index, sound in enumerate(alone):
        assert np.array_equal(together.say(*parts[index:]), sound)
    thread.close()
    assert together.decoder.starts == [[(1, 0), (2, 0), (3, 0), (4, 0)]]


def test_the_first_segment_is_decoded_alone_and_the_next_with_its_followers() -> None:
    bench = Bench({name: {0: tone(3 * A_SECOND)} for name in range(1, 7)})
    parts = [segment(name) for name in range(1, 7)]
    for index in range(6):
        bench.say(*parts[index : index + 4])
    assert bench.decoder.starts == [[(1, 0)], [(2, 0), (3, 0), (4, 0), (5, 0)], [(6, 0)]]


def test_nothing_is_decoded_ahead_when_the_sound_is_hardly_ahead() -> None:
    bench = Bench({name: {0: tone(A_SECOND)} for name in (1, 2, 3)})
    parts = [segment(name) for name in (1, 2, 3)]
    for index in range(3):
        bench.say(*parts[index:])
    assert [len(start) for start in bench.decoder.starts] == [1, 1, 1]


def test_no_more_rows_than_the_machine_carries() -> None:
    bench = Bench({name: {0: tone(A_SECOND)} for name in (1, 2, 3, 4)})
    bench.far_ahead()
    bench.speaking.most_rows = 2
    bench.say(*(segment(name) for name in (1, 2, 3, 4)))
    assert bench.decoder.starts == [[(1, 0), (2, 0)]]


def test_the_followers_are_not_even_made_when_there_is_no_time_for_them() -> None:
    bench = Bench({1: {0: tone(20)}})

    def others() -> Sequence[Segment]:
        raise AssertionError

    bench.speaking.say(segment(1), others, bench.emit, lambda: False)


def test_a_request_ends_before_its_followers_do() -> None:
    bench = Bench({1: {0: tone(50)}, 2: {0: tone(150)}})
    bench.far_ahead()
    bench.say(segment(1), segment(2))
    assert bench.decoder.steps < 60
    assert tokens_in(bench.say(segment(2))) == pytest.approx(150, abs=1)
    assert bench.decoder.steps == 151
    assert len(bench.decoder.starts) == 1


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (tone(10), "too short"),
        (tone(ENDLESS // 1000), "too long"),
        ([0.0] * 100, "silent"),
        ([0.002] * 100, "silent"),
        ([0.1, float("nan"), 0.1, *tone(60)], "not a number"),
        ([], "too short"),
    ],
)
def test_a_fault_before_anything_was_heard_is_made_again_with_the_next_seed(
    first: Sequence[float], why: str
) -> None:
    bench = Bench({1: {7: first, 8: tone(100, 0.2)}})
    bench.far_ahead()
    sound = bench.say(segment(1, seed=7, shortest=40))
    assert np.array_equal(sound, bench.say(segment(1, key="alone", seed=8)))
    assert [seed for start in bench.decoder.starts for _, seed in start] == [7, 8, 8]
    assert bench.reports == [f"guard: a segment was {why}{_rest(why)} and is made again"]
    assert bench.speaking.made_again == 1


def _rest(why: str) -> str:
    return " for its text" if why.startswith("too") else ""


def test_an_end_before_the_first_sound_is_made_again_even_when_nothing_can_wait() -> None:
    bench = Bench({1: {0: tone(7), 1: tone(50)}})
    assert tokens_in(bench.say(segment(1, shortest=20))) == pytest.approx(50, abs=1)


def test_after_the_last_attempt_the_segment_fails_and_nothing_of_it_was_heard() -> None:
    bench = Bench({1: dict.fromkeys((0, 1, 2), tone(3))})
    with pytest.raises(EngineError, match=r"^the model's speech was too short for its text, in 3 attempts$"):
        bench.say(segment(1, shortest=20))
    assert bench.heard().size == 0
    assert len(bench.decoder.starts) == 3


def test_without_retries_one_attempt_is_made() -> None:
    bench = Bench({1: {0: [0.0] * 50}}, retries=0)
    with pytest.raises(EngineError, match="silent, in 1 attempts"):
        bench.say(segment(1))
    assert len(bench.decoder.starts) == 1


@pytest.mark.parametrize(
    ("line", "heard_tokens"),
    [
        (tone(ENDLESS // 1000), 112),
        ([*tone(50), float("nan"), *tone(50)], 48),
        (tone(50) + [0.0] * 500, 50 + 120),
    ],
)
def test_what_goes_wrong_after_it_was_heard_stops_there_and_is_not_repeated(
    line: Sequence[float], heard_tokens: int
) -> None:
    bench = Bench({1: {0: line}})
    with pytest.raises(EngineError, match="a part of the segment was spoken"):
        bench.say(segment(1, longest=120 if len(line) > 900 else 2000))
    assert len(bench.decoder.starts) == 1
    assert tokens_in(bench.heard()) == pytest.approx(heard_tokens, abs=8)


def test_too_short_after_it_was_heard_is_said_to_its_end_and_left_to_another_engine() -> None:
    bench = Bench({1: {0: tone(30)}})
    with pytest.raises(EngineError, match="became too short for its text; a part of the segment was spoken"):
        bench.say(segment(1, shortest=40))
    assert tokens_in(bench.heard()) == pytest.approx(30, abs=1)
    assert bench.decoder.starts == [[(1, 0)]], "made again it would say its first words twice"


def test_a_follower_that_went_wrong_is_made_again_before_it_is_played() -> None:
    bench = Bench({1: {0: tone(90)}, 2: {0: tone(30), 1: tone(100, 0.2)}})
    bench.far_ahead()
    bench.say(segment(1), segment(2, shortest=40))
    sound = bench.say(segment(2, shortest=40))
    assert tokens_in(sound) == pytest.approx(100, abs=1)
    assert bench.decoder.starts == [[(1, 0), (2, 0)], [(2, 1)]]


def test_a_follower_that_went_wrong_joins_the_next_batch() -> None:
    bench = Bench({1: {0: tone(90)}, 2: {0: tone(90)}, 3: {0: tone(10), 1: tone(100)}, 4: {0: tone(90)}})
    bench.far_ahead()
    wrong = segment(3, shortest=40)
    bench.say(segment(1), wrong)
    bench.say(segment(2), wrong, segment(4))
    assert bench.decoder.starts == [[(1, 0), (3, 0)], [(2, 0), (3, 1), (4, 0)]]
    assert tokens_in(bench.say(wrong)) == pytest.approx(100, abs=1)


def test_with_time_in_hand_a_segment_is_heard_only_when_it_is_known_to_be_right() -> None:
    bench = Bench({1: {0: tone(60) + [0.0] * 500, 1: tone(100)}})
    bench.far_ahead()
    assert tokens_in(bench.say(segment(1, longest=2000))) == pytest.approx(100, abs=1)


def test_nothing_is_held_back_for_longer_than_a_hang_would_last() -> None:
    bench = Bench({1: {0: tone(400)}})
    bench.lead.add(1000)
    when: list[float] = []

    def slow() -> bool:
        bench.now += 0.1
        return False

    def emit(samples: NDArray[np.int16]) -> bool:
        when.append(bench.now)
        return bench.emit(samples)

    bench.say(segment(1, longest=2000), cancelled=slow, emit=emit)
    assert when[0] == pytest.approx(LONGEST_HOLD_SECONDS, abs=0.5)


@pytest.mark.parametrize("after", [0, 1, 5, 33])
def test_a_cancel_ends_the_work_within_a_step(after: int) -> None:
    bench = Bench({1: {0: tone(100)}, 2: {0: tone(20)}})
    with pytest.raises(CancelledError):
        bench.say(segment(1), cancelled=lambda: bench.decoder.steps >= after)
    assert bench.decoder.steps == after
    assert tokens_in(bench.say(segment(2))) == pytest.approx(20, abs=1)


def test_an_emit_that_says_no_ends_the_work() -> None:
    bench = Bench({1: {0: tone(100)}})
    with pytest.raises(CancelledError):
        bench.say(segment(1), emit=lambda _samples: False)
    assert bench.decoder.steps <= 10


def test_a_vocoder_that_fails_ends_the_request_and_not_the_next() -> None:
    class Failing(ScriptedStream):
        def push(self, hidden: object) -> NDArray[np.float32]:
            raise RuntimeError(str(type(hidden)))

    bench = Bench({1: {0: tone(100)}})
    opened: list[OpenStream] = [Failing, ScriptedStream]
    thread = VocoderThread(lambda: opened.pop(0)())
    bench.speaking = Speaking(bench.batch, thread.open, bench.lead, retries=2)
    with pytest.raises(RuntimeError):
        bench.say(segment(1))
    assert tokens_in(bench.say(segment(1))) == pytest.approx(100, abs=1)
    thread.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.timeout(10)
def test_a_vocoder_thread_that_has_ended_is_told_and_not_waited_for() -> None:
    def fail() -> None:
        raise RuntimeError("no thread could be set up")

    bench = Bench({1: {0: tone(100)}})
    thread = VocoderThread(ScriptedStream, fail)
    bench.speaking = Speaking(bench.batch, thread.open, bench.lead, retries=2)
    with pytest.raises(EngineError, match="the vocoder's thread has ended"):
        bench.say(segment(1))
    thread.close()


def test_the_lead_counts_sound_down_to_nothing_and_no_further() -> None:
    bench = Bench({})
    bench.lead.add(3)
    bench.now = 2.0
    assert bench.lead.seconds() == pytest.approx(1)
    bench.now = 9.0
    bench.lead.add(1)
    assert bench.lead.seconds() == pytest.approx(1)
    bench.lead.reset()
    assert bench.lead.seconds() == 0


def test_sound_that_is_far_ahead_goes_on_being_counted() -> None:
    bench = Bench({1: {0: tone(2 * A_SECOND)}})
    sound = bench.say(segment(1))
    assert bench.lead.seconds() == pytest.approx(sound.size / SAMPLE_RATE)


def test_the_batch_forgets_what_it_is_not_told_to_keep() -> None:
    bench = Bench({name: {0: tone(30)} for name in (1, 2, 3)})
    bench.batch.start([segment(1), segment(2), segment(3)])
    bench.batch.keep({2})
    assert [bench.batch.row(name) is not None for name in (1, 2, 3)] == [False, True, False]
    while bench.batch.growing:
        bench.batch.advance()
    row = bench.batch.row(2)
    assert row is not None
    assert (row.complete, row.ended, row.length) == (True, True, 30)
    bench.batch.start([replace(segment(1), key="new")])
    assert row.states(10).shape == (20, 4)
    assert np.array_equal(square(row.states(0)), square(row.states(0)))


def test_a_follower_that_does_not_fit_the_model_does_not_cost_the_segment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench({1: {0: tone(50)}, 2: {0: tone(50)}})
    start = bench.decoder.start

    def refuse_two(prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> ScriptedGeneration:
        if 2 in [prompt.tokens[0] for prompt in prompts]:
            raise EngineError("a prompt of 5000 tokens, allowed: at most 4095")
        return start(prompts, sampling)

    monkeypatch.setattr(bench.decoder, "start", refuse_two)
    bench.far_ahead()
    assert tokens_in(bench.say(segment(1), segment(2))) == pytest.approx(50, abs=1)
    with pytest.raises(EngineError, match="a prompt of 5000 tokens"):
        bench.say(segment(2))
