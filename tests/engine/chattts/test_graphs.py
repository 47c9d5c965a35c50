"""The captured steps' logic, run without graphs: the same tokens and hidden states as the plain decoder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import Generation, Precision, Prompt, Sampling
from chatttsd.engine.chattts.decoder import REFINEMENT
from chatttsd.engine.chattts.graph_decoder import GraphDecoder
from chatttsd.engine.chattts.graphs import MOST_TOP_K, STEPS_A_POLL, Run, bucket
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.torch_backbone import TorchBackbone
from chatttsd.engine.chattts.weights import Weights
from support.oracle import TEXTS, Fast, Tale, difference, fast, speaker_string, speaker_vector
from support.random_model import RandomModel

BUCKETS = (32, 64, 128)
PREFILLS = (8, 16)
SPEAKER = speaker_vector(speaker_string(1))
USUAL = Sampling(max_tokens=60)


@pytest.fixture(scope="module")
def model(random_model: RandomModel) -> Path:
    return random_model(layers=2, seed=0)


@pytest.fixture(scope="module")
def plain(model: Path) -> Fast:
    return fast(model, TorchBackbone(Weights(model)))


def make(model: Path) -> GraphDecoder:
    weights = Weights(model)
    tokens = Tokens(model, weights.shape)
    return GraphDecoder(
        weights,
        Precision.FP32,
        "cpu",
        speaker_token=tokens.speaker,
        end_of_refinement=tokens.end_of_refinement,
        buckets=BUCKETS,
        prefill_buckets=PREFILLS,
    )


@pytest.fixture(scope="module")
def static(model: Path) -> GraphDecoder:
    return make(model)


def finish(generation: Generation, rows: int) -> list[Tale]:
    while generation.alive:
        generation.advance()
    return [Tale(generation.hidden(row).clone(), generation.codes(row).clone()) for row in range(rows)]


def prompts(plain: Fast, texts: Sequence[str]) -> list[Prompt]:
    return [Prompt(plain.tokens.speech(text), SPEAKER) for text in texts]


def same(found: Sequence[Tale], expected: Sequence[Tale]) -> None:
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine.codes, theirs.codes)
        assert difference(mine.hidden, theirs.hidden) < 1e-5


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_batches_of_different_lengths_are_the_plain_decoder_s(
    static: GraphDecoder, plain: Fast, rows: int
) -> None:
    """Prompts of 7 to 24 tokens: captured prefills of two sizes, and one longer than all of them."""
    asked = prompts(plain, [*TEXTS, "well then"][:rows])
    samplings = [replace(USUAL, seed=40 + row, max_tokens=30 + 10 * row) for row in range(rows)]
    expected = finish(plain.decoder.start(asked, samplings), rows)
    generation = static.start(asked, samplings)
    same(finish(generation, rows), expected)
    assert [generation.length(row) for row in range(rows)] == [len(tale.codes) for tale in expected]


def test_growing_through_every_bucket_changes_nothing(static: GraphDecoder, plain: Fast) -> None:
    asked, sampling = prompts(plain, TEXTS[2:]), [replace(USUAL, max_tokens=75, seed=3)]
    expected = finish(plain.decoder.start(asked, sampling), 1)
    assert len(expected[0].codes) > BUCKETS[1]
    same(finish(static.start(asked, sampling), 1), expected)


def test_ends_are_told_and_are_not_part_of_a_row(static: GraphDecoder, plain: Fast) -> None:
    asked, sampling = prompts(plain, TEXTS[1:2]), [replace(USUAL, max_tokens=100, seed=3)]
    expected = plain.decoder.start(asked, sampling)
    finish(expected, 1)
    found = static.start(asked, sampling)
    finish(found, 1)
    assert expected.ended(0)
    assert found.ended(0)
    assert found.length(0) == expected.length(0)


def test_a_row_at_its_limit_has_not_ended(static: GraphDecoder, plain: Fast) -> None:
    generation = static.start(prompts(plain, TEXTS[:1]), [replace(USUAL, max_tokens=5)])
    finish(generation, 1)
    assert generation.length(0) == 5
    assert not generation.ended(0)


def test_a_retired_row_grows_no_more_and_the_others_do_not_notice(static: GraphDecoder, plain: Fast) -> None:
    asked = prompts(plain, TEXTS)
    samplings = [replace(USUAL, seed=seed, max_tokens=40) for seed in (11, 12, 13)]
    expected = finish(plain.decoder.start(asked, samplings), 3)
    generation = static.start(asked, samplings)
    generation.advance()
    generation.retire(1)
    generation.retire(1)
    assert generation.alive == (0, 2)
    found = finish(generation, 3)
    assert generation.length(1) == STEPS_A_POLL
    assert not generation.ended(1)
    same([found[0], found[2]], [expected[0], expected[2]])


def test_nothing_of_an_earlier_generation_is_left(static: GraphDecoder, plain: Fast) -> None:
    asked, sampling = prompts(plain, TEXTS[:1]), [replace(USUAL, seed=5, max_tokens=20)]
    first = finish(static.start(asked, sampling), 1)
    static._rows.cache.fill_(torch.nan)
    static._rows.done.fill_(value=True)
    finish(static.start(prompts(plain, TEXTS), [replace(USUAL, max_tokens=50, temperature=1.0)] * 3), 3)
    same(finish(static.start(asked, sampling), 1), first)


def test_rows_with_their_own_parameters(static: GraphDecoder, plain: Fast) -> None:
    asked = prompts(plain, TEXTS)
    samplings = [
        replace(USUAL, temperature=0.05, max_tokens=24),
        replace(USUAL, top_k=MOST_TOP_K, top_p=0.95, temperature=0.9, max_tokens=24),
        replace(USUAL, repetition_penalty=1.5, top_k=2, max_tokens=24),
    ]
    same(finish(static.start(asked, samplings), 3), finish(plain.decoder.start(asked, samplings), 3))


def test_a_top_k_beyond_the_captured_sampler_is_drawn_without_it(static: GraphDecoder, plain: Fast) -> None:
    asked = prompts(plain, TEXTS[:1])
    sampling = [replace(USUAL, top_k=626, top_p=1.0, temperature=1.0, max_tokens=12)]
    same(finish(static.start(asked, sampling), 1), finish(plain.decoder.start(asked, sampling), 1))


def test_an_audio_prompt_longer_than_every_bucket_of_prefill(static: GraphDecoder, plain: Fast) -> None:
    codes = np.random.default_rng(0).integers(0, 625, (50, 4))
    asked = [Prompt(plain.tokens.speech(TEXTS[0]), SPEAKER, codes)]
    sampling = [replace(USUAL, max_tokens=12)]
    same(finish(static.start(asked, sampling), 1), finish(plain.decoder.start(asked, sampling), 1))


def test_the_last_bucket_limits_prompt_and_tokens_together(static: GraphDecoder, plain: Fast) -> None:
    asked = prompts(plain, TEXTS[:1])
    generation = static.start(asked, [replace(USUAL, max_tokens=2048, seed=1, temperature=1e-3)])
    finish(generation, 1)
    assert generation.length(0) <= BUCKETS[-1] - STEPS_A_POLL - len(asked[0].tokens)
    longest = BUCKETS[-1] - STEPS_A_POLL - 1
    with pytest.raises(EngineError, match=f"a prompt of {longest + 1} tokens, allowed: at most {longest}"):
        static.start([Prompt((1,) * (longest + 1))], [USUAL])
    finish(static.start([Prompt((1,) * longest)], [USUAL]), 1)


def test_refinement_is_the_plain_decoder_s(static: GraphDecoder, plain: Fast) -> None:
    prompt, sampling = Prompt(plain.tokens.refinement(TEXTS[0], oral=2)), replace(REFINEMENT, seed=2)
    assert static.refine(prompt, sampling) == plain.decoder.refine(prompt, sampling)


def test_warming_captures_each_step_and_each_prefill_once(model: Path, plain: Fast) -> None:
    decoder = make(model)
    captured: list[Run] = []
    replayed: list[Run] = []

    def capture(function: Run) -> Run:
        """Do as CUDA's does: run it to capture it, hand back what runs it again."""
        captured.append(function)
        function()

        def replay() -> None:
            replayed.append(function)
            function()

        return replay

    decoder._capture = capture
    shares: list[float] = []
    decoder.warm(shares.append)
    assert len(captured) == 4 * len(BUCKETS) + len(PREFILLS)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    asked, sampling = prompts(plain, TEXTS[1:2]), [replace(USUAL, max_tokens=20, seed=1)]
    found = finish(decoder.start(asked, sampling), 1)
    assert len(captured) == 4 * len(BUCKETS) + len(PREFILLS)
    assert replayed
    same(found, finish(plain.decoder.start(asked, sampling), 1))


def test_what_is_not_captured_yet_is_captured_by_the_first_who_needs_it(model: Path, plain: Fast) -> None:
    decoder = make(model)
    captured: list[Run] = []

    def capture(function: Run) -> Run:
        captured.append(function)
        function()
        return function

    decoder._capture = capture
    asked, sampling = prompts(plain, TEXTS[:2]), [replace(USUAL, max_tokens=20, seed=seed) for seed in (1, 2)]
    same(finish(decoder.start(asked, sampling), 2), finish(plain.decoder.start(asked, sampling), 2))
    assert captured


@pytest.mark.parametrize(("wanted", "found"), [(0, 16), (16, 16), (17, 32), (32, 32), (33, None)])
def test_the_smallest_bucket_that_fits(wanted: int, found: int | None) -> None:
    assert bucket(wanted, (16, 32)) == found


@pytest.mark.parametrize("count", [0, 5])
def test_more_rows_than_slots_are_refused(static: GraphDecoder, count: int) -> None:
    with pytest.raises(EngineError, match=f"{count} prompts with {count} samplings, allowed: 1 to 4"):
        static.start([Prompt((1,))] * count, [USUAL] * count)
