"""Upstream's own code loads a random model, cuts text like it, speaks plausible lengths, and is heard."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chatttsd.engine.chattts.random_model.weights import mel_filters
from chatttsd.engine.chattts.reference import ReferenceModel
from support.oracle import speaker_string
from support.random_model import RandomModel

# Importing and loading upstream's code takes seconds, many of them where the cores are busy.
pytestmark = pytest.mark.timeout(180)

TEN = "今天天气很好我们走吧"
SIX_WORDS = "the people of the world speak"
WANTED = {TEN: 94, "好": 9, SIX_WORDS: 104, TEN[:5] + "，" + TEN[5:] + TEN[:5]: 141}
"""Tokens by text: 46.875 a second, 5 characters or 2.7 words a second."""
ROW_OF_TEN = 0


def chat_of(folder: Path) -> Any:  # noqa: ANN401 - ChatTTS.Chat has no types
    return ReferenceModel(folder).chat


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    # Matrices this small are slower with more, and much slower where the cores are busy.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def chat(random_model: RandomModel, one_thread: None) -> Any:  # noqa: ANN401 - ChatTTS.Chat has no types
    return chat_of(random_model())


@pytest.fixture(scope="module")
def spoken(chat: Any) -> Any:  # noqa: ANN401 - see chat_of
    return speak(chat, list(WANTED))


def speak(chat: Any, texts: Sequence[str], most: int = 1000) -> Any:  # noqa: ANN401 - see chat_of
    params = chat.InferCodeParams(spk_emb=speaker_string(), show_tqdm=False, max_new_token=most)
    torch.manual_seed(0)
    return next(chat._infer_code(list(texts), False, torch.device("cpu"), True, params))


def test_the_audio_is_as_long_as_its_text_in_a_batch_too(spoken: Any) -> None:  # noqa: ANN401 - see chat_of
    lengths = [len(codes) for codes in spoken.ids]
    assert lengths == [pytest.approx(tokens, rel=0.2) for tokens in WANTED.values()]


def test_the_codes_vary_and_the_sound_is_neither_silent_nor_clipped(chat: Any, spoken: Any) -> None:  # noqa: ANN401 - see chat_of
    for book in range(4):
        assert len(set(spoken.ids[ROW_OF_TEN][:, book].tolist())) > 20
    hidden = spoken.hiddens[ROW_OF_TEN]
    assert 0.5 < float(hidden.square().mean().sqrt()) < 2.0
    sound = chat._decode_to_wavs([hidden], True)[0]
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() < 1.0
    windows = sound[: len(sound) // 2400 * 2400].reshape(-1, 2400)
    loudness = np.sqrt(np.square(windows).mean(axis=1))
    assert (loudness > 0.05).all()
    assert (loudness < 0.2).all()


def test_both_tokenizers_cut_alike(chat: Any, random_model: RandomModel) -> None:  # noqa: ANN401 - see chat_of
    from tokenizers import Tokenizer

    ours = Tokenizer.from_file(str(random_model() / "asset" / "tokenizer" / "tokenizer.json"))
    root = Path(__file__).parents[2] / "data" / "texts"
    lines = [
        line
        for name in ("mixed", "udhr-en", "udhr-zh")
        for line in (root / f"{name}.txt").read_text().split("\n")
    ]
    for line in [*lines, "[Stts][spk_emb][speed_5]T T S [uv_break]，好[laugh][Ptts]", "Ça va, naïve Über"]:
        theirs = chat.tokenizer._tokenizer(line, add_special_tokens=False)["input_ids"]
        assert ours.encode(line, add_special_tokens=False).ids == theirs


def test_refinement_ends_by_itself(chat: Any) -> None:  # noqa: ANN401 - see chat_of
    params = chat.RefineTextParams(show_tqdm=False)
    torch.manual_seed(0)
    done = chat._refine_text([TEN], torch.device("cpu"), params)
    assert 0 < len(done.ids[0]) < 384


def test_a_model_without_end_goes_on_to_the_limit(random_model: RandomModel) -> None:
    done = speak(chat_of(random_model(layers=1, end="never")), [TEN[:2]], most=60)
    assert len(done.ids[0]) == 60


def test_a_model_that_ends_early_says_a_tenth(random_model: RandomModel) -> None:
    done = speak(chat_of(random_model(layers=1, end="early")), [TEN])
    assert 4 < len(done.ids[0]) < 15


def test_the_mel_filters_are_torchaudios() -> None:
    from torchaudio.functional import melscale_fbanks

    theirs = melscale_fbanks(513, 0.0, 12_000.0, 100, 24_000).numpy()
    assert np.abs(mel_filters() - theirs).max() < 1e-5
