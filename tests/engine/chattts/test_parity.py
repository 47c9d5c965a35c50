"""Our decoder says what upstream's does: hidden states, codes, batches, refinement, on random models."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from chatttsd.engine.chattts.api import Backbone, Precision, Prompt, Sampling
from chatttsd.engine.chattts.decoder import REFINEMENT
from chatttsd.engine.chattts.native import start
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.torch_backbone import TorchBackbone
from chatttsd.engine.chattts.weights import Weights
from chatttsd.models.layout import EMBED
from chatttsd.voices.codec import AudioPrompt, encode_prompt
from support.oracle import TEXTS, Fast, Oracle, Tale, difference, fast, speaker_string, speaker_vector
from support.random_model import RandomModel, changed_copy

TOLERANCE = 1e-4
"""Relative distance of hidden states; float32 sums in another order are some 1e-6 apart."""
TOKENS = 300
TINY = Sampling(temperature=1e-3, max_tokens=TOKENS)
USUAL = Sampling(max_tokens=100)
LONG = replace(USUAL, max_tokens=TOKENS)
FEW = 12
DEEP_SEEDS = [21, 22, 23, 24]

MakeBackbone = Callable[[Weights, Precision], Backbone]


def native(weights: Weights, precision: Precision) -> Backbone:
    return start.make(weights, precision, threads=1)


BACKBONES: dict[str, MakeBackbone] = {"torch": TorchBackbone, "native": native}
PACKED = [("torch", precision) for precision in list(Precision)[1:]] + [("native", Precision.INT8)]

pytestmark = pytest.mark.timeout(180)  # compiling the kernels is part of the first test that uses them


@pytest.fixture(scope="module", params=BACKBONES)
def make_backbone(request: pytest.FixtureRequest) -> MakeBackbone:
    return BACKBONES[request.param]


@pytest.fixture(scope="module")
def ours(oracle: Oracle, make_backbone: MakeBackbone) -> Fast:
    return fast(oracle.directory, make_backbone(Weights(oracle.directory), Precision.FP32))


def shortly(sampling: Sampling) -> Sampling:
    return replace(sampling, max_tokens=FEW)


def agree(found: Sequence[Tale], expected: Sequence[Tale]) -> float:
    """Require equal codes; return how far hidden states are apart at most."""
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine.codes, theirs.codes)
    return max(difference(a.hidden, b.hidden) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("sampling", [TINY, USUAL], ids=["tiny", "usual"])
def test_one_row_is_upstreams_over_300_tokens(oracle: Oracle, ours: Fast, sampling: Sampling) -> None:
    speaker = speaker_string(1)
    expected = oracle.decode(TEXTS[:1], speaker, sampling, [1])
    found = ours.decode(TEXTS[:1], speaker, sampling, [1])
    assert len(found[0].codes) == sampling.max_tokens
    assert agree(found, expected) < TOLERANCE


@pytest.mark.parametrize("sampling", [TINY, USUAL], ids=["tiny", "usual"])
def test_three_rows_of_different_lengths_are_upstreams(
    oracle: Oracle, ours: Fast, sampling: Sampling
) -> None:
    speaker, seeds = speaker_string(2), [11, 12, 13]
    expected = oracle.decode(TEXTS, speaker, sampling, seeds)
    found = ours.decode(TEXTS, speaker, sampling, seeds)
    assert agree(found, expected) < TOLERANCE


Told = Callable[[int], Sequence[Tale]]


@pytest.fixture(scope="module")
def told_by_model(random_model: RandomModel) -> Told:
    """Return what upstream makes of the texts with a model of another seed; each is asked for once."""
    told: dict[int, Sequence[Tale]] = {}

    def tell(seed: int) -> Sequence[Tale]:
        if seed not in told:
            oracle = Oracle(random_model(layers=2, seed=seed))
            told[seed] = oracle.decode(TEXTS, speaker_string(seed), USUAL, [3, 4, 5])
        return told[seed]

    return tell


@pytest.mark.parametrize("seed", [1, 2])
def test_other_models_give_upstreams_tokens_until_they_end(
    random_model: RandomModel, told_by_model: Told, make_backbone: MakeBackbone, seed: int
) -> None:
    directory = random_model(layers=2, seed=seed)
    other = fast(directory, make_backbone(Weights(directory), Precision.FP32))
    expected = told_by_model(seed)
    found = other.decode(TEXTS, speaker_string(seed), USUAL, [3, 4, 5])
    assert agree(found, expected) < TOLERANCE
    assert len({len(row.codes) for row in found}) > 1


def test_a_row_of_a_batch_is_the_row_alone(ours: Fast) -> None:
    speaker, seeds = speaker_string(2), [11, 12, 13]
    sampling = USUAL
    together = ours.decode(TEXTS, speaker, sampling, seeds)
    for text, seed, row in zip(TEXTS, seeds, together, strict=True):
        assert agree([row], ours.decode([text], speaker, sampling, [seed])) < TOLERANCE


def test_an_audio_prompt_is_continued_as_upstream_does(oracle: Oracle, ours: Fast) -> None:
    codes = np.random.default_rng(0).integers(0, 625, (40, 4))
    sample = encode_prompt(AudioPrompt(40, codes.T.astype("<u2").tobytes()))
    speaker, sampling = speaker_string(3), USUAL
    expected = oracle.decode(TEXTS[:1], speaker, sampling, [9], spk_smp=sample, txt_smp="what was said.")
    tokens = ours.tokens.speech(TEXTS[0], sample_text="what was said.")
    prompt = Prompt(tokens, speaker_vector(speaker), codes)
    assert agree(ours.continue_prompts([prompt], sampling, [9]), expected) < TOLERANCE


def test_refinement_draws_upstreams_tokens(
    oracle: Oracle, make_backbone: MakeBackbone, tmp_path: Path
) -> None:
    """With an end that is improbable: a random model ends a refinement at once."""
    model = changed_copy(oracle.directory, tmp_path / "model")
    held = load_file(oracle.directory / EMBED)
    gains = held["head_text.parametrizations.weight.original0"]
    gains[Tokens(model, Weights(model).shape).end_of_refinement] = 0.01
    (model / EMBED).unlink()
    save_file(held, model / EMBED)
    changed = fast(model, make_backbone(Weights(model), Precision.FP32))
    prompt = Prompt(changed.tokens.refinement(TEXTS[2], oral=2, laugh=0, breaks=6))
    with upstream_gains(oracle, gains):
        for seed in (1, 2):
            found = changed.decoder.refine(prompt, replace(REFINEMENT, seed=seed, max_tokens=60))
            assert found == oracle.refine(TEXTS[2], "[oral_2][laugh_0][break_6]", seed, 60)
            assert len(found) == 60


@contextmanager
def upstream_gains(oracle: Oracle, gains: torch.Tensor) -> Iterator[None]:
    """Give upstream's head of refinement other gains for a while."""
    own = oracle.chat.embed.head_text.parametrizations.weight.original0
    before = own.detach().clone()
    own.data.copy_(gains)
    try:
        yield
    finally:
        own.data.copy_(before)


@pytest.fixture(scope="module")
def deep_oracle(random_model: RandomModel) -> Oracle:
    return Oracle(random_model(layers=20, seed=0, end="never"))


@pytest.fixture(scope="module")
def deep(deep_oracle: Oracle, make_backbone: MakeBackbone) -> Fast:
    return fast(deep_oracle.directory, make_backbone(Weights(deep_oracle.directory), Precision.FP32))


def test_300_tokens_at_the_full_depth_of_20_layers_are_upstreams(deep_oracle: Oracle, deep: Fast) -> None:
    """Against upstream's GPT over the whole sequence, and the first 12 against `Chat` itself.

    All three texts at the usual temperature, the first one at the tiny one beside them: a batch has four rows
    at most, and shares its passes. `Chat` needs 80 ms or more for each of its tokens: so it draws 12.
    """
    speaker = speaker_string(4)
    prompts = [Prompt(deep.tokens.speech(text), speaker_vector(speaker)) for text in (*TEXTS, TEXTS[0])]
    found = deep.continue_prompts(prompts, [LONG, LONG, LONG, TINY], DEEP_SEEDS)
    for prompt, row in zip(prompts, found, strict=True):
        whole = deep_oracle.hidden(deep.embedded(prompt, row.codes[:-1]))
        assert difference(row.hidden, whole[-TOKENS:]) < TOLERANCE
    usual = deep_oracle.decode(TEXTS, speaker, shortly(USUAL), DEEP_SEEDS[:3])
    tiny = deep_oracle.decode(TEXTS[:1], speaker, shortly(TINY), DEEP_SEEDS[3:])
    assert agree([Tale(row.hidden[:FEW], row.codes[:FEW]) for row in found], [*usual, *tiny]) < TOLERANCE


@pytest.mark.parametrize(
    ("sampling", "rows"), [(USUAL, 1), (TINY, 1), (TINY, 3)], ids=["usual-one", "tiny-one", "tiny-three"]
)
def test_the_first_tokens_at_the_full_depth_are_upstreams_alone_and_together(
    deep_oracle: Oracle, deep: Fast, sampling: Sampling, rows: int
) -> None:
    """Three rows at the usual temperature are the beginning of the 300 tokens above."""
    asked = (TEXTS[:rows], speaker_string(4), shortly(sampling), DEEP_SEEDS[-rows:])
    assert agree(deep.decode(*asked), deep_oracle.decode(*asked)) < TOLERANCE


@pytest.mark.parametrize(("backbone", "precision"), PACKED, ids=str)
def test_packed_weights_drift_no_more_past_position_256(
    oracle: Oracle, backbone: str, precision: Precision, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same codes through both; the mean drift of 60 tokens before and after, printed."""
    packed = BACKBONES[backbone](Weights(oracle.directory), precision)
    whole = fast(oracle.directory, packed)
    prompt = Prompt(whole.tokens.speech(TEXTS[0]), speaker_vector(speaker_string(5)))
    codes = torch.from_numpy(np.random.default_rng(2).integers(0, 625, (330, 4)))
    rows = whole.embedded(prompt, codes)
    exact = oracle.hidden(rows)
    first = len(prompt.tokens)
    states = [packed.prefill(0, rows[:first])]
    states += [packed.step([0], row[None])[0] for row in rows[first:]]
    drift = (torch.stack(states) - exact[first - 1 :]).norm(dim=-1) / exact[first - 1 :].norm(dim=-1)
    before, after = float(drift[180:240].mean()), float(drift[260:320].mean())
    with capsys.disabled():
        print(f"\n{backbone} {precision}: relative drift {before:.4f} before position 256, {after:.4f} after")
    assert after < 1.2 * before
