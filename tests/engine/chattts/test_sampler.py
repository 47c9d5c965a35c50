"""The sampler keeps and weighs what upstream's processors do, and draws by it."""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from chatttsd.engine.chattts.api import Sampling
from chatttsd.engine.chattts.jitted_sampler import JittedSampler, compile_sampler
from chatttsd.engine.chattts.sampler import PENALTY_WINDOW, Noise, Sampler

BOOKS, CODES, END = 4, 626, 625
ROWS = 1000
EXAMPLES = [
    Sampling(),
    Sampling(temperature=0.01),
    Sampling(temperature=1e-4),
    Sampling(temperature=2.0, top_p=1.0, top_k=626),
    Sampling(top_p=0.01, top_k=1),
    Sampling(temperature=1.0, top_p=0.999, top_k=626, repetition_penalty=1.3),
    Sampling(temperature=0.7, top_p=0.95, top_k=50, repetition_penalty=1.0),
    Sampling(temperature=1.0, top_p=0.0, top_k=2, repetition_penalty=0.8),
]


def upstreams(logits: torch.Tensor, history: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Return upstream's probabilities [rows, vocabulary] for logits like it and drawn tokens [rows, n]."""
    from chatttsd.engine.chattts.upstream import import_chat

    import_chat()
    from ChatTTS.model.processors import gen_logits

    warpers, processors = gen_logits(END, sampling.top_p, sampling.top_k, sampling.repetition_penalty)
    scores = logits / sampling.temperature
    for process in (*processors, *warpers):
        scores = process(history, scores)
    return torch.softmax(scores, -1)


Kind = type[Sampler] | type[JittedSampler]


@pytest.fixture(params=[Sampler, JittedSampler])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def after(history: torch.Tensor, sampling: Sequence[Sampling], kind: Kind) -> Sampler | JittedSampler:
    """Return a sampler that has drawn this history [rows, books, tokens]."""
    rows, books, tokens = history.shape
    sampler = kind(sampling, books, CODES, END)
    for place in range(tokens):
        wanted = torch.full((rows, books, CODES), -1e4)
        wanted.scatter_(2, history[..., place : place + 1], 1e6)
        assert torch.equal(sampler.draw(wanted, torch.ones_like(wanted)), history[..., place])
    return sampler


def normalised(kept: torch.Tensor) -> torch.Tensor:
    return kept / kept.sum(-1, keepdim=True)


@pytest.mark.parametrize("sampling", EXAMPLES, ids=str)
@pytest.mark.parametrize("tokens", [1, 7, 40])
def test_what_is_kept_and_its_probabilities_are_upstreams(
    kind: Kind, sampling: Sampling, tokens: int
) -> None:
    generator = torch.Generator().manual_seed(tokens)
    rows = ROWS // len(EXAMPLES)
    logits = torch.randn((rows, BOOKS, CODES), generator=generator) * 3
    history = torch.randint(0, END, (rows, BOOKS, tokens), generator=generator)
    history[::2] = history[::2] % 5  # tokens that come often
    ours = normalised(after(history, [sampling] * rows, kind).kept(logits))
    theirs = upstreams(logits.view(-1, CODES), history.view(-1, tokens), sampling).view_as(ours)
    assert torch.equal(ours > 0, theirs > 0)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-7)


def test_the_parameters_of_rows_do_not_mix(kind: Kind) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn((len(EXAMPLES), BOOKS, CODES), generator=generator) * 3
    history = torch.randint(0, 9, (len(EXAMPLES), BOOKS, 20), generator=generator)
    together = normalised(after(history, EXAMPLES, kind).kept(logits))
    for row, sampling in enumerate(EXAMPLES):
        alone = after(history[row : row + 1], [sampling], kind).kept(logits[row : row + 1])
        assert torch.allclose(together[row], normalised(alone)[0], atol=1e-7)


def test_rows_that_are_kept_go_on_with_their_own_history(kind: Kind) -> None:
    history = torch.randint(0, 9, (3, BOOKS, 20), generator=torch.Generator().manual_seed(2))
    logits = torch.randn((3, BOOKS, CODES), generator=torch.Generator().manual_seed(3))
    sampling = [Sampling(), Sampling(temperature=1.0, top_k=50), Sampling(repetition_penalty=1.5)]
    whole, part = after(history, sampling, kind), after(history, sampling, kind)
    part.keep([0, 2])
    assert torch.equal(part.kept(logits[[0, 2]]), whole.kept(logits)[[0, 2]])


def test_the_penalty_forgets_what_is_older_than_its_window(kind: Kind) -> None:
    logits = torch.randn((1, BOOKS, CODES))
    old = torch.zeros((1, BOOKS, PENALTY_WINDOW + 4), dtype=torch.int64)
    old[..., 4:] = torch.arange(1, PENALTY_WINDOW + 1)
    recent = old[..., 4:]
    assert torch.equal(
        after(old, [Sampling()], kind).kept(logits), after(recent, [Sampling()], kind).kept(logits)
    )


def test_draws_follow_the_probabilities(kind: Kind) -> None:
    """Chi-square over 20 000 draws of one row, per codebook; 99.9 % of true samplers pass."""
    draws = 20_000
    logits = torch.randn((1, BOOKS, CODES), generator=torch.Generator().manual_seed(4)).expand(draws, -1, -1)
    sampling = Sampling(temperature=0.7, top_p=0.9, top_k=20)
    history = torch.randint(0, END, (1, BOOKS, 5), generator=torch.Generator().manual_seed(5))
    sampler = after(history.expand(draws, -1, -1), [sampling] * draws, kind)
    expected = normalised(after(history, [sampling], kind).kept(logits[:1]))[0] * draws
    noise = torch.empty((draws, BOOKS, CODES))
    Noise(6, BOOKS, CODES).block(noise)
    drawn = sampler.draw(logits, noise)
    for book in range(BOOKS):
        seen = torch.bincount(drawn[:, book], minlength=CODES).double()
        kept = expected[book] > 0
        assert seen[~kept].sum() == 0
        statistic = ((seen - expected[book])[kept] ** 2 / expected[book][kept]).sum()
        freedom = int(kept.sum()) - 1
        assert statistic < chi_square_limit(freedom), (float(statistic), freedom)


def chi_square_limit(freedom: int) -> float:
    """Return what 99.9 % lie below (Wilson and Hilferty's approximation)."""
    deviate = 3.0902
    return float(freedom * (1 - 2 / (9 * freedom) + deviate * (2 / (9 * freedom)) ** 0.5) ** 3)


def test_the_first_token_is_never_the_end_and_the_second_may_be(kind: Kind) -> None:
    logits = torch.zeros((2, BOOKS, CODES))
    logits[..., END] = 100.0
    sampler = kind([Sampling()] * 2, BOOKS, CODES, END)
    first = sampler.draw(logits, torch.ones_like(logits))
    assert not (first == END).any()
    assert (sampler.draw(logits, torch.ones_like(logits)) == END).all()


def test_loading_starts_afresh_in_the_same_buffers() -> None:
    logits = torch.randn((1, BOOKS, CODES))
    other = Sampling(temperature=1.0, top_k=5, top_p=0.5)
    sampler = Sampler([Sampling()], BOOKS, CODES, END, most=32)
    noise = torch.ones_like(logits)
    sampler.draw(logits, noise)
    sampler.load([other])
    assert torch.equal(sampler.kept(logits), Sampler([other], BOOKS, CODES, END).kept(logits))


def test_noise_is_exponential_and_above_zero() -> None:
    block = torch.empty((100, BOOKS, CODES))
    Noise(0, BOOKS, CODES).block(block)
    assert float(block.min()) > 0
    assert float(block.mean()) == pytest.approx(1.0, abs=0.01)
    assert float((block > 1).float().mean()) == pytest.approx(np.exp(-1), abs=0.005)


def test_noise_is_a_function_of_the_seed_however_it_is_asked_for() -> None:
    one_by_one, block = Noise(7, BOOKS, CODES), torch.empty((40, BOOKS, CODES))
    Noise(7, BOOKS, CODES).block(block)
    assert all(torch.equal(one_by_one.token(), block[place]) for place in range(40))
    assert not torch.equal(Noise(8, BOOKS, CODES).token(), block[0])


@pytest.mark.parametrize("seed", [0, 2**31, 2**63, 2**64 - 1])
def test_every_64_bit_seed_draws(seed: int) -> None:
    assert bool(torch.isfinite(Noise(seed, BOOKS, CODES).token()).all())


def test_a_rare_tie_at_the_edge_keeps_both_as_upstream_does(kind: Kind) -> None:
    logits = torch.full((1, 1, CODES), -5.0)
    logits[0, 0, :4] = 1.0
    sampling = replace(Sampling(), top_k=3, top_p=1.0)
    kept = kind([sampling], 1, CODES, END).kept(logits)
    theirs = upstreams(logits[0], torch.zeros((1, 0), dtype=torch.int64), sampling)
    assert int((kept > 0).sum()) == int((theirs > 0).sum()) == 4


def test_random_parameters_keep_what_upstream_keeps(kind: Kind) -> None:
    chance = random.Random(9)  # noqa: S311 - test data
    generator = torch.Generator().manual_seed(9)
    for _ in range(60):
        sampling = Sampling(
            temperature=chance.choice([0.01, 0.1, 0.3, 1.0, 2.0]),
            top_p=chance.uniform(0.01, 1.0),
            top_k=chance.randint(1, CODES),
            repetition_penalty=chance.choice([1.0, 1.05, 1.5]),
        )
        logits = torch.randn((4, BOOKS, CODES), generator=generator) * chance.choice([0.5, 3.0])
        history = torch.randint(0, 20, (4, BOOKS, 18), generator=generator)
        ours = normalised(after(history, [sampling] * 4, kind).kept(logits))
        theirs = upstreams(logits.view(-1, CODES), history.view(-1, 18), sampling).view_as(ours)
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6), sampling


def test_the_compiled_sampler_draws_the_same_codes() -> None:
    generator = torch.Generator().manual_seed(12)
    samplings = EXAMPLES[:4]
    torchs, jitted = (kind(samplings, BOOKS, CODES, END) for kind in (Sampler, JittedSampler))
    noise = Noise(12, BOOKS, CODES)
    for step in range(250):
        if step == 100:
            torchs.keep([0, 3])
            jitted.keep([0, 3])
        rows = 4 if step < 100 else 2
        logits = torch.randn((rows, BOOKS, CODES), generator=generator)
        drawn = torch.stack([noise.token().clone() for _ in range(rows)])
        assert torch.equal(jitted.draw(logits, drawn.clone()), torchs.draw(logits, drawn))


def test_compiling_needs_no_model() -> None:
    compile_sampler()
