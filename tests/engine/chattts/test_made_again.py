"""What the guard finds in the real engine is made again with the next seed, however fast the machine is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import gt, lt

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.engine.api import Cancelled, EngineError, ModelSettings, SynthesisRequest
from chatttsd.engine.chattts import loading, wording
from chatttsd.engine.chattts.api import Decoder, Generation, Prompt, Sampling
from chatttsd.engine.chattts.batch import Batch
from chatttsd.engine.chattts.delivery import Lead
from chatttsd.engine.chattts.engine import ChatTTSEngine
from chatttsd.engine.chattts.guard import Bounds, bounds
from chatttsd.engine.chattts.loading import Parts, assemble, load_parts
from chatttsd.engine.chattts.native import start
from support.random_model import RandomModel

FIRST = "今天的天气比昨天好多了。"
"""Long enough that what follows it is heard only when it is known to be right."""
THEN = "今天天气很好我们散步。"
SHORT = "今天很好。"
"""A third of it is over before the vocoder has made any sound."""
SETTINGS = ModelSettings(threads=1, device="cpu")
ANY = Bounds(0, 2048)
MOST_SEEDS = 60


def ask(text: str, *following: SynthesisRequest, seed: int = 0) -> SynthesisRequest:
    return SynthesisRequest(text, "zh", parameters={"seed": str(seed)}, following=following)


class Watched:
    """The model's decoder; keeps the seeds of what it starts."""

    def __init__(self, decoder: Decoder) -> None:
        self.shape = decoder.shape
        self.seeds: list[int] = []
        self._decoder = decoder

    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> Generation:
        self.seeds += [each.seed for each in sampling]
        return self._decoder.start(prompts, sampling)

    def refine(self, prompt: Prompt, sampling: Sampling, cancelled: Cancelled) -> list[int]:
        return self._decoder.refine(prompt, sampling, cancelled)


@dataclass
class Ear:
    """An engine of real parts in which no time passes, and what is heard of it."""

    engine: ChatTTSEngine
    decoder: Watched
    parts: Parts
    reports: list[str]
    chunks: list[NDArray[np.int16]] = field(default_factory=list)

    def say(self, request: SynthesisRequest) -> NDArray[np.int16]:
        """Return what was heard; `seeds` and `reports` are of this request alone."""
        self.chunks.clear()
        self.reports.clear()
        self.decoder.seeds.clear()
        self.engine.synthesise(request, self._emit, lambda: False)
        return np.concatenate(self.chunks)

    def _emit(self, samples: NDArray[np.int16]) -> bool:
        self.chunks.append(samples)
        return True

    def length(self, seed: int) -> int:
        """Return how many tokens the model makes of THEN with a seed."""
        batch = Batch(self.parts.decoder)
        segment = self.parts.wording.segment(ask(THEN, seed=seed))
        batch.start([segment])
        while batch.growing:
            batch.advance()
        row = batch.row(segment.key)
        assert row is not None
        return row.length


Hear = Callable[..., Ear]


@pytest.fixture
def hear(
    random_model: RandomModel, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hear]:
    """Make engines of generated models, with torch's kernels: the compiled ones take long to compile."""
    monkeypatch.setattr(start, "prepare", lambda *_: "none in this test")
    monkeypatch.setattr(loading, "Lead", lambda: Lead(lambda: 0.0))
    made: list[ChatTTSEngine] = []

    def make(**recipe: float | str) -> Ear:
        reports: list[str] = []
        settings = replace(SETTINGS, model_dir=str(random_model(**recipe)))
        parts = load_parts(settings, tmp_path_factory.mktemp("voices"), lambda _line: None)
        decoder = Watched(parts.decoder)
        made.append(assemble(replace(parts, decoder=decoder), settings, reports.append))
        return Ear(made[-1], decoder, parts, reports)

    yield make
    for engine in made:
        engine.close()


def allow(monkeypatch: pytest.MonkeyPatch, allowed: Bounds) -> None:
    """Give THEN these bounds, and everything else its own."""

    def of(texts: Iterable[str], rate: float = 1.0) -> Bounds:
        listed = list(texts)
        return allowed if listed[0] == THEN else bounds(listed, rate)

    monkeypatch.setattr(wording, "bounds", of)


@pytest.mark.parametrize("why", ["too short", "too long"])
def test_a_segment_of_the_wrong_length_is_made_again_with_the_next_seed_and_only_that_is_heard(
    hear: Hear, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    ear = hear()
    allow(monkeypatch, ANY)
    lengths = pairwise(ear.length(seed) for seed in range(MOST_SEEDS))
    differ = lt if why == "too short" else gt
    wrong, right = next((seed, after) for seed, (one, after) in enumerate(lengths) if differ(one, after))
    alone = ear.say(ask(THEN, seed=wrong + 1))
    # The end is drawn as a token, too.
    allow(monkeypatch, Bounds(right, 2048) if why == "too short" else Bounds(0, right + 1))
    then = ask(THEN, seed=wrong)
    ear.say(ask(FIRST, then))
    assert np.array_equal(ear.say(then), alone)
    assert ear.decoder.seeds == [wrong, wrong + 1]
    assert ear.reports == [f"guard: a segment was {why} for its text and is made again"]


def test_a_segment_that_stays_too_short_fails_unheard_after_three_seeds(hear: Hear) -> None:
    ear = hear(rate=14.0)
    with pytest.raises(EngineError, match=r"^the model's speech was too short for its text, in 3 attempts$"):
        ear.say(ask(SHORT, seed=7))
    assert (ear.chunks, ear.decoder.seeds) == ([], [7, 8, 9])
    assert ear.reports == ["guard: a segment was too short for its text and is made again"] * 2


def test_a_segment_that_never_ends_fails_unheard_after_three_seeds_where_there_was_time(hear: Hear) -> None:
    ear = hear(end="never")
    then = ask(THEN, seed=7)
    with pytest.raises(EngineError, match="became too long for its text; a part of the segment was spoken"):
        ear.say(ask(SHORT, then))
    with pytest.raises(EngineError, match=r"^the model's speech was too long for its text, in 3 attempts$"):
        ear.say(then)
    assert (ear.chunks, ear.decoder.seeds) == ([], [7, 8, 9])
    assert ear.reports == ["guard: a segment was too long for its text and is made again"] * 2
