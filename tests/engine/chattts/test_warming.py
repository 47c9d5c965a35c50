"""Warming up: every size of a batch is run, and how many rows the machine carries is measured."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from chatttsd.engine.chattts.api import Prompt, Sampling, look_at_nothing
from chatttsd.engine.chattts.batch import LARGEST, Batch, Segment
from chatttsd.engine.chattts.delivery import CancelledError
from chatttsd.engine.chattts.guard import Bounds
from chatttsd.engine.chattts.interruptible import Interruptible
from chatttsd.engine.chattts.rendering import Turns
from chatttsd.engine.chattts.warming import SLOWEST_STEP_SECONDS, warm
from chatttsd.engine.chattts.wording import Voices, Wording
from chatttsd.voices.store import VoiceStore
from support.model_parts import PlainFrontEnd, make_tokens
from support.scripted_decoder import WIDTH, Script, ScriptedDecoder, ScriptedGeneration, ScriptedStream, tone


class Timed(ScriptedDecoder):
    """Takes as long for a step as it is told, by rows, on a clock of its own."""

    now = 0.0
    cost: Callable[[int], float] = staticmethod(lambda _rows: 0.0)

    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> ScriptedGeneration:
        generation = super().start(prompts, sampling)
        advance = generation.advance

        def slow() -> None:
            advance()
            self.now += self.cost(len(prompts))

        generation.advance = slow  # type: ignore[method-assign] # it takes time now
        return generation


class Anything(dict[int, Script]):
    def __missing__(self, _name: int) -> Script:
        return Script(dict.fromkeys(range(5), tone(100)))


@pytest.mark.parametrize(
    ("milliseconds", "rows"), [((5, 6, 7, 8), 4), ((6, 11, 15, 19), 3), ((15, 18, 21, 25), 1), ((90,) * 4, 1)]
)
def test_as_many_rows_as_leave_time_for_the_vocoder(
    milliseconds: Sequence[float], rows: int, tmp_path: Path
) -> None:
    decoder = Timed(Anything())
    decoder.cost = lambda count: milliseconds[count - 1] / 1000
    wording = Wording(
        PlainFrontEnd(), make_tokens(tmp_path), decoder, Voices(VoiceStore(tmp_path / "voices"))
    )
    batch = Batch(decoder)
    assert warm(wording, batch, lambda: Turns(ScriptedStream), WIDTH, lambda: decoder.now) == rows
    assert sorted(len(start) for start in decoder.starts) == list(range(1, LARGEST + 1))
    assert not batch.growing
    assert SLOWEST_STEP_SECONDS < 0.021


class Counting:
    """A backbone that remembers the prompts it filled."""

    def __init__(self) -> None:
        self.shape = ScriptedDecoder({}).shape
        self.filled: list[int] = []

    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        for _ in embeddings:
            look()
        self.filled.append(slot)
        return embeddings[-1]

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings + len(slots)


def test_a_cancel_stops_between_two_prompts() -> None:
    inner = Counting()
    backbone = Interruptible(inner, lambda: len(inner.filled) >= 2)
    rows = torch.ones(3, WIDTH)
    for slot in (0, 1):
        assert torch.equal(backbone.prefill(slot, rows), rows[-1])
    with pytest.raises(CancelledError):
        backbone.prefill(2, rows)
    backbone.cancelled = lambda: False
    backbone.prefill(3, rows)
    assert inner.filled == [0, 1, 3]
    assert torch.equal(backbone.step([0, 1], rows), rows + 2)


def test_a_cancel_stops_within_a_prompt() -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 5

    inner = Counting()
    with pytest.raises(CancelledError):
        Interruptible(inner, cancelled).prefill(0, torch.ones(100, WIDTH))
    assert (len(asked), inner.filled) == (6, [])


def test_cores_are_left_by_a_backbone_that_can_and_asked_of_no_other() -> None:
    class Leaving(Counting):
        def leave_cores(self, count: int) -> None:
            self.filled.append(count)

    inner = Leaving()
    Interruptible(inner, lambda: False).leave_cores(1)
    assert inner.filled == [1]
    Interruptible(Counting(), lambda: False).leave_cores(1)


def test_a_segment_made_again_has_the_next_seed_and_counts() -> None:
    first = Segment("key", Prompt((1,)), Sampling(seed=2**63 - 1), Bounds(1, 2))
    again = first.again()
    assert (again.attempt, again.key, again.bounds) == (1, "key", first.bounds)
    assert torch.Generator().manual_seed(again.sampling.seed)
