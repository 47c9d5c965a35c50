"""The decode loop: limits, ends, retirement, seeds, and what a reader sees meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelShape, Prompt, Sampling, look_at_nothing
from chatttsd.engine.chattts.decoder import REFINEMENT, TokenDecoder
from chatttsd.engine.chattts.sampler import Noise, Sampler
from chatttsd.engine.chattts.weights import Embeddings

SHAPE = ModelShape(layers=1, hidden=8, codebooks=4, audio_tokens=50, text_tokens=30, max_positions=64)
END_OF_REFINEMENT = 29
SAMPLING = Sampling(temperature=1.0, top_p=1.0, top_k=50, max_tokens=20)
PROMPT = Prompt((1, 2, 3))


class Echo:
    """A backbone without layers: the hidden state is what came in, and what each slot held is remembered."""

    shape = SHAPE

    def __init__(self) -> None:
        self.slots: dict[int, list[torch.Tensor]] = {}
        self.steps: list[tuple[int, ...]] = []

    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        look()
        self.slots[slot] = list(embeddings)
        return embeddings[-1]

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        self.steps.append(tuple(slots))
        for slot, row in zip(slots, embeddings, strict=True):
            self.slots[slot].append(row)
        return embeddings


def tables(end: float = -100.0) -> Embeddings:
    """Return small tables; a code head whose end code has this logit at hidden[0] = 1."""
    generator = torch.Generator().manual_seed(0)
    heads = torch.randn(4, 50, 8, generator=generator)
    codes = torch.randn(4, 50, 8, generator=generator)
    codes[..., 0] = 0.25
    text = torch.randn(30, 8, generator=generator)
    text[:, 0] = 1.0
    heads[..., 0] = 0.0
    heads[:, SHAPE.end_code] = 0.0
    heads[:, SHAPE.end_code, 0] = end
    return Embeddings(text, codes, heads.view(-1, 8))


def decoder(end: float = -100.0, text_head: torch.Tensor | None = None) -> tuple[TokenDecoder, Echo]:
    backbone = Echo()
    head = torch.zeros(30, 8) if text_head is None else text_head
    made = TokenDecoder(
        backbone, tables(end), lambda: head, speaker_token=5, end_of_refinement=END_OF_REFINEMENT
    )
    return made, backbone


def test_a_token_is_drawn_for_every_row_at_each_advance() -> None:
    made, _ = decoder()
    generation = made.start([PROMPT, PROMPT], [SAMPLING, replace(SAMPLING, seed=1)])
    assert generation.alive == (0, 1)
    assert [generation.length(row) for row in (0, 1)] == [0, 0]
    generation.advance()
    generation.advance()
    assert [generation.length(row) for row in (0, 1)] == [2, 2]
    assert generation.codes(0).shape == (2, 4)
    assert not torch.equal(generation.codes(0), generation.codes(1))


def test_the_hidden_state_of_a_token_is_the_one_it_was_drawn_from() -> None:
    made, backbone = decoder()
    embeddings = tables()
    generation = made.start([PROMPT], [SAMPLING])
    while generation.alive:
        generation.advance()
    hidden, codes = generation.hidden(0), generation.codes(0)
    assert torch.equal(hidden[0], embeddings.text[3])
    for place in range(1, len(hidden)):
        expected = sum(embeddings.codes[book, codes[place - 1, book]] for book in range(4))
        assert torch.allclose(hidden[place], torch.as_tensor(expected))
    assert len(backbone.slots[0]) == len(PROMPT.tokens) + SAMPLING.max_tokens - 1


def test_hidden_states_can_be_read_from_any_token_on_while_they_grow() -> None:
    made, _ = decoder()
    generation = made.start([PROMPT], [SAMPLING])
    for _ in range(5):
        generation.advance()
    early = generation.hidden(0, 2)
    before = early.clone()
    generation.advance()
    assert torch.equal(early, before)
    assert torch.equal(generation.hidden(0, 2)[:3], before)
    assert len(generation.hidden(0, 6)) == 0
    assert not early.is_inference()


def test_the_limit_of_tokens_holds_and_is_no_end() -> None:
    made, _ = decoder()
    generation = made.start([PROMPT, PROMPT], [SAMPLING, replace(SAMPLING, max_tokens=3)])
    while generation.alive:
        generation.advance()
    assert (generation.length(0), generation.length(1)) == (20, 3)
    assert not generation.ended(0)
    assert not generation.ended(1)
    generation.advance()
    assert generation.length(0) == 20


def test_the_model_s_positions_are_a_limit_too() -> None:
    made, _ = decoder()
    generation = made.start([Prompt((1,) * 60)], [replace(SAMPLING, max_tokens=1000)])
    while generation.alive:
        generation.advance()
    assert generation.length(0) == SHAPE.max_positions - 60


def test_the_end_code_ends_a_row_and_is_not_part_of_it() -> None:
    made, _ = decoder(end=100.0)
    generation = made.start([PROMPT], [SAMPLING])
    generation.advance()
    assert (generation.length(0), generation.ended(0)) == (1, False)  # the first token is never the end
    generation.advance()
    assert generation.alive == ()
    assert generation.ended(0)
    assert (len(generation.hidden(0)), len(generation.codes(0))) == (1, 1)


def test_logits_may_be_made_by_something_else() -> None:
    heads = tables(end=100.0).code_heads
    nothing = replace(tables(), code_heads=torch.empty(0, 8))
    made = TokenDecoder(
        Echo(),
        nothing,
        lambda: nothing.text,
        speaker_token=5,
        end_of_refinement=END_OF_REFINEMENT,
        multiply=lambda hidden: hidden @ heads.t(),
    )
    found, expected = (each.start([PROMPT], [SAMPLING]) for each in (made, decoder(end=100.0)[0]))
    for generation in (found, expected):
        generation.advance()
        generation.advance()
    assert torch.equal(found.codes(0), expected.codes(0))
    assert found.ended(0)


def test_an_end_in_one_codebook_is_enough() -> None:
    held = tables()
    held.code_heads[2 * 50 + SHAPE.end_code, 0] = 100.0
    made = TokenDecoder(Echo(), held, lambda: held.text, speaker_token=5, end_of_refinement=END_OF_REFINEMENT)
    generation = made.start([PROMPT], [SAMPLING])
    generation.advance()
    generation.advance()
    assert generation.ended(0)
    assert generation.length(0) == 1


@pytest.mark.parametrize("advanced", [0, 1, 5])
def test_a_retired_row_grows_no_more_and_the_others_do_not_notice(advanced: int) -> None:
    samplings = [replace(SAMPLING, seed=seed) for seed in range(3)]
    whole, part = decoder()[0].start([PROMPT] * 3, samplings), decoder()[0].start([PROMPT] * 3, samplings)
    for _ in range(advanced):
        part.advance()
    part.retire(1)
    part.retire(1)
    assert part.alive == (0, 2)
    for generation in (whole, part):
        while generation.alive:
            generation.advance()
    assert part.length(1) == advanced
    assert not part.ended(1)
    for row in (0, 2):
        assert torch.equal(part.codes(row), whole.codes(row))
        assert torch.equal(part.hidden(row), whole.hidden(row))


def test_the_backbone_is_stepped_for_live_rows_only_and_never_after_the_last_draw() -> None:
    made, backbone = decoder()
    lengths = [1, 4, 2]
    generation = made.start([PROMPT] * 3, [replace(SAMPLING, max_tokens=most) for most in lengths])
    while generation.alive:
        generation.advance()
    assert backbone.steps == [(1, 2), (1,), (1,)]


def test_retiring_everything_ends_it() -> None:
    made, backbone = decoder()
    generation = made.start([PROMPT], [SAMPLING])
    generation.retire(0)
    generation.advance()
    assert generation.alive == ()
    assert backbone.steps == []


def test_a_row_is_a_function_of_its_prompt_sampling_and_seed() -> None:
    seeds = [7, 8, 9, 10]
    samplings = [replace(SAMPLING, seed=seed, temperature=0.5 + seed / 10) for seed in seeds]
    together = decoder()[0].start([PROMPT] * 4, samplings)
    while together.alive:
        together.advance()
    for row, sampling in enumerate(samplings):
        alone = decoder()[0].start([PROMPT], [sampling])
        while alone.alive:
            alone.advance()
        assert torch.equal(alone.codes(0), together.codes(row))
    assert not torch.equal(together.codes(0), together.codes(1))


def test_a_speaker_and_an_audio_prompt_reach_the_backbone() -> None:
    made, backbone = decoder()
    speaker = np.ones(8, np.float32) / np.sqrt(np.float32(8))
    made.start([Prompt((1, 5), speaker, np.zeros((2, 4), np.int64))], [SAMPLING])
    assert len(backbone.slots[0]) == 4
    assert torch.equal(backbone.slots[0][1], torch.from_numpy(speaker))


@pytest.mark.parametrize("count", [0, 5])
def test_more_rows_than_slots_are_refused(count: int) -> None:
    with pytest.raises(EngineError, match=f"{count} prompts with {count} samplings, allowed: 1 to 4"):
        decoder()[0].start([PROMPT] * count, [SAMPLING] * count)


def test_a_prompt_as_long_as_the_model_is_refused() -> None:
    with pytest.raises(EngineError, match="a prompt of 64 tokens, allowed: at most 63"):
        decoder()[0].start([Prompt((1,) * 64)], [SAMPLING])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "expected temperature above 0, found 0.0"),
        ({"temperature": float("nan")}, "expected temperature above 0, found nan"),
        ({"top_p": 1.5}, "expected top_p in 0..1, found 1.5"),
        ({"top_k": 0}, "expected top_k of at least 1, found 0"),
        ({"repetition_penalty": 0.0}, "expected repetition_penalty above 0, found 0.0"),
        ({"max_tokens": 0}, "expected max_tokens of at least 1, found 0"),
    ],
)
def test_a_sampling_that_cannot_be_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        decoder()[0].start([PROMPT], [replace(SAMPLING, **wrong)])  # type: ignore[arg-type]  # floats and ints alike


def refining(end: float) -> TokenDecoder:
    head = torch.randn(30, 8, generator=torch.Generator().manual_seed(3))
    head[:, 0] = 0.0
    head[END_OF_REFINEMENT] = 0.0
    head[END_OF_REFINEMENT, 0] = end
    return decoder(text_head=head)[0]


def test_refinement_stops_at_its_end_and_leaves_it_out() -> None:
    found = refining(100.0).refine(PROMPT, REFINEMENT)
    assert len(found) == 1
    assert END_OF_REFINEMENT not in found


def test_refinement_stops_at_its_limit() -> None:
    assert len(refining(-100.0).refine(PROMPT, replace(REFINEMENT, max_tokens=7))) == 7


def test_refinement_stops_when_it_is_cancelled() -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(len(asked) == 4)
        return asked[-1]

    assert len(refining(-100.0).refine(PROMPT, REFINEMENT, cancelled)) == 4


def test_refinement_is_a_function_of_its_seed() -> None:
    made = refining(-100.0)
    first, again, other = (
        made.refine(PROMPT, replace(REFINEMENT, seed=seed, max_tokens=9)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_head_of_refinement_is_read_once_and_only_when_needed() -> None:
    read: list[int] = []

    def head() -> torch.Tensor:
        read.append(1)
        return torch.zeros(30, 8)

    made = TokenDecoder(Echo(), tables(), head, speaker_token=5, end_of_refinement=END_OF_REFINEMENT)
    made.start([PROMPT], [SAMPLING]).advance()
    assert not read
    for _ in range(2):
        made.refine(PROMPT, replace(REFINEMENT, max_tokens=2))
    assert len(read) == 1


def test_the_loop_draws_with_the_sampler_of_upstream_s_distribution() -> None:
    """The first token is what the sampler draws from the prompt's last hidden state."""
    made, _ = decoder()
    generation = made.start([PROMPT], [SAMPLING])
    generation.advance()
    logits = (tables().code_heads @ tables().text[3]).view(1, 4, 50)
    noise = Noise(SAMPLING.seed, 4, 50).token()[None].clone()
    assert torch.equal(generation.codes(0), Sampler([SAMPLING], 4, 50, 49).draw(logits, noise))
