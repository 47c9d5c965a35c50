"""A prompt's embeddings are upstream's, speaker and audio prompt included."""

import numpy as np
import pytest
import torch

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelShape, Prompt
from chatttsd.engine.chattts.speaker import embed
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.weights import Embeddings, Weights
from chatttsd.voices.arrays import speaker_array
from support.oracle import TEXTS, Oracle, speaker_string, speaker_vector

SHAPE = ModelShape(layers=1, hidden=8, codebooks=2, audio_tokens=5, text_tokens=9)
SPEAKER_TOKEN = 7


@pytest.fixture
def tables() -> Embeddings:
    generator = torch.Generator().manual_seed(0)
    text, codes = torch.randn(9, 8, generator=generator), torch.randn(2, 5, 8, generator=generator)
    return Embeddings(text, codes, torch.empty(0))


def unit(length: int = 8) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    values = np.arange(1, length + 1, dtype=np.float32)
    return values / np.linalg.norm(values)


def rows(prompt: Prompt, tables: Embeddings) -> torch.Tensor:
    return embed(prompt, tables, SPEAKER_TOKEN, SHAPE)


def test_the_embeddings_are_upstreams(oracle: Oracle) -> None:
    weights = Weights(oracle.directory)
    tokens = Tokens(oracle.directory, weights.shape)
    speaker = speaker_string()
    codes = np.random.default_rng(0).integers(0, 625, (30, 4))
    prompt = Prompt(tokens.speech(TEXTS[0]), speaker_vector(speaker), codes)
    chat = oracle.chat
    ids, _, mask = chat.tokenizer.encode(
        chat.speaker.decorate_code_prompts([TEXTS[0]], "[speed_5]", None, speaker),
        4,
        prompt=torch.from_numpy(codes.T.copy()),
    )
    theirs = chat.embed(ids, mask)
    chat.speaker.apply(theirs, speaker, ids, chat.tokenizer.spk_emb_ids, torch.device("cpu"))
    ours = embed(prompt, weights.embeddings(), tokens.speaker, weights.shape)
    assert torch.allclose(ours, theirs[0], rtol=0, atol=1e-6)


def test_a_speaker_is_normalised_in_float16() -> None:
    values = np.random.default_rng(1).normal(0.0, 3.0, 768).astype("<f2")
    expected = torch.nn.functional.normalize(torch.from_numpy(values), dim=0, eps=1e-12)
    assert expected.dtype == torch.float16
    assert np.array_equal(speaker_array(values.tobytes()), expected.float().numpy())


def test_a_speaker_of_zeros_stays_finite() -> None:
    assert not speaker_array(bytes(2 * 768)).any()


def test_the_speaker_takes_the_place_of_its_token_only(tables: Embeddings) -> None:
    found = rows(Prompt((1, SPEAKER_TOKEN, 2), unit()), tables)
    assert torch.equal(found[1], torch.from_numpy(unit()))
    assert torch.equal(found[[0, 2]], tables.text[[1, 2]])


def test_without_a_speaker_every_token_is_itself(tables: Embeddings) -> None:
    assert torch.equal(rows(Prompt((1, SPEAKER_TOKEN)), tables), tables.text[[1, SPEAKER_TOKEN]])


def test_audio_codes_come_after_the_text_as_the_sum_of_their_embeddings(tables: Embeddings) -> None:
    found = rows(Prompt((3,), audio=np.array([[0, 4], [2, 1]])), tables)
    assert torch.equal(found[0], tables.text[3])
    assert torch.allclose(found[1], tables.codes[0, 0] + tables.codes[1, 4])
    assert torch.allclose(found[2], tables.codes[0, 2] + tables.codes[1, 1])


def test_the_tables_are_not_written_to(tables: Embeddings) -> None:
    before = tables.text.clone()
    rows(Prompt((SPEAKER_TOKEN,), unit()), tables).fill_(9.0)
    assert torch.equal(tables.text, before)


@pytest.mark.parametrize("tokens", [(), (9,), (-1, 2)])
def test_tokens_that_the_model_lacks_are_refused(tables: Embeddings, tokens: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match=r"a prompt needs tokens in 0..8"):
        rows(Prompt(tokens), tables)


def test_a_speaker_of_another_model_is_refused(tables: Embeddings) -> None:
    with pytest.raises(EngineError, match=r"a speaker needs 8 finite values, found \[7\]"):
        rows(Prompt((1, SPEAKER_TOKEN), unit(7)), tables)


def test_a_speaker_that_is_not_finite_is_refused(tables: Embeddings) -> None:
    with pytest.raises(EngineError, match="finite"):
        rows(Prompt((1, SPEAKER_TOKEN), np.full(8, np.nan, np.float32)), tables)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 2, 2)])
def test_audio_of_another_shape_is_refused(tables: Embeddings, shape: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match=r"an audio prompt needs \[tokens, 2\], found \["):
        rows(Prompt((1,), audio=np.zeros(shape, np.int64)), tables)


@pytest.mark.parametrize("code", [-1, 5])
def test_audio_codes_that_the_model_lacks_are_refused(tables: Embeddings, code: int) -> None:
    with pytest.raises(EngineError, match=r"an audio prompt needs codes in 0..4"):
        rows(Prompt((1,), audio=np.array([[0, code]])), tables)
