import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from chatttsd.engine.chattts.api import ModelError
from chatttsd.engine.chattts.native.product import PackedLinear
from chatttsd.engine.chattts.vocoder.difference import Ruler, synthetic_hidden
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from chatttsd.models.layout import DECODER, VOCOS
from support.random_model import changed_copy
from support.upstream_vocoder import UpstreamVocoder

NEAR = 1e-4
"""Of the loudest sample."""


@pytest.fixture(scope="module")
def upstream(model: Path) -> UpstreamVocoder:
    return UpstreamVocoder(model)


@pytest.mark.parametrize("tokens", [1, 2, 3, 24, 131])
@pytest.mark.parametrize("kind", ["random", "sines"])
def test_samples_are_those_of_upstream(
    vocoder: Vocoder, upstream: UpstreamVocoder, kind: str, tokens: int
) -> None:
    hidden = synthetic_hidden(kind, tokens, seed=tokens)

    ours, theirs = vocoder.decode(hidden), upstream.decode(hidden)

    assert ours.shape == theirs.shape == ((2 * tokens - 1) * 256,)
    assert np.abs(ours - theirs).max() <= NEAR * np.abs(theirs).max()


@pytest.fixture(scope="module")
def compiled(model: Path) -> Vocoder:
    """Products by our own kernels, the weights as they are."""
    return Vocoder(model, make_linear=partial(PackedLinear, halves=False))


@pytest.mark.timeout(120)  # the kernels are compiled
@pytest.mark.parametrize("tokens", [1, 3, 131])
def test_compiled_products_give_upstreams_samples_too(
    compiled: Vocoder, upstream: UpstreamVocoder, tokens: int
) -> None:
    hidden = synthetic_hidden("random", tokens, seed=tokens)

    ours, theirs = compiled.decode(hidden), upstream.decode(hidden)

    assert np.abs(ours - theirs).max() <= NEAR * np.abs(theirs).max()


@pytest.mark.parametrize("kind", ["random", "sines"])
def test_weights_of_16_bits_are_60_db_near(
    model: Path, vocoder: Vocoder, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = synthetic_hidden(kind, 100)
    halves = Vocoder(model, make_linear=partial(PackedLinear, halves=True))
    found = Ruler(model).difference(halves.decode(hidden), vocoder.decode(hidden))
    with capsys.disabled():
        print(f"\nvocoder with float16 weights, {kind}: {found}")
    assert found.snr_db > 60


def test_nan_passes_through_compiled_products(compiled: Vocoder) -> None:
    hidden = synthetic_hidden("random", 70)
    hidden[65, 3] = torch.nan

    samples = compiled.decode(hidden)

    assert np.isnan(samples[65 * 512])
    assert np.isfinite(samples[: (65 - 53) * 512]).all()


def test_segments_of_ever_new_lengths_take_no_more_memory(model: Path) -> None:
    """A library that keeps code for every number of rows took 5 MB for each."""
    done = subprocess.run(
        [sys.executable, "-c", _SPEAK, str(model)], capture_output=True, text=True, check=True, timeout=110
    )
    first, last = (int(kibibytes) for kibibytes in done.stdout.split())
    assert last - first < 20_000


_SPEAK = """
import sys
from functools import partial
from pathlib import Path
import torch
from chatttsd.engine.chattts.native.product import PackedLinear
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder

torch.set_num_threads(1)
vocoder = Vocoder(Path(sys.argv[1]), make_linear=partial(PackedLinear, halves=True))

def speak(tokens):
    stream = StreamingVocoder(vocoder)
    stream.push(torch.zeros(tokens, 768))
    stream.finish()
    told = open("/proc/self/status").read()
    return int(told.partition("RssAnon:")[2].split()[0])

speak(80)
print(speak(100), max(speak(tokens) for tokens in range(20, 60, 4)))
"""


def test_loud_spectra_are_cut_where_upstream_cuts_them(vocoder: Vocoder, upstream: UpstreamVocoder) -> None:
    hidden = 500 * synthetic_hidden("random", 20)
    hidden[5] *= 1000

    ours, theirs = vocoder.decode(hidden), upstream.decode(hidden)

    assert np.isfinite(theirs).all()
    assert np.abs(ours - theirs).max() <= 1e-3 * np.abs(theirs).max()


def test_samples_are_float32_on_the_cpu(vocoder: Vocoder) -> None:
    assert vocoder.decode(synthetic_hidden("random", 2).double()).dtype == np.float32


def test_no_tokens_are_no_samples(vocoder: Vocoder) -> None:
    assert vocoder.decode(torch.zeros(0, 768)).shape == (0,)


@pytest.mark.parametrize("shape", [(3, 767), (768,), (1, 3, 768), (3, 384)])
def test_hidden_states_of_another_shape_are_refused(vocoder: Vocoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"allowed is \[n, 768\]"):
        vocoder.decode(torch.zeros(shape))


def test_nan_is_heard_as_nan_near_its_token_only(vocoder: Vocoder) -> None:
    hidden = synthetic_hidden("random", 130)
    hidden[65, 3] = torch.nan

    samples = vocoder.decode(hidden)

    assert np.isnan(samples[65 * 512])
    assert np.isfinite(samples[: (65 - 53) * 512]).all()
    assert np.isfinite(samples[(65 + 54) * 512 :]).all()


def test_infinite_hidden_states_do_not_pass_for_sound(vocoder: Vocoder) -> None:
    hidden = synthetic_hidden("random", 8)
    hidden[4] = torch.inf

    assert np.isnan(vocoder.decode(hidden)).any()


def test_bfloat16_products_are_near_but_for_rounding(model: Path, vocoder: Vocoder) -> None:
    hidden = synthetic_hidden("sines", 20)
    whole = vocoder.decode(hidden)

    rounded = Vocoder(model, dtype=torch.bfloat16).decode(hidden)

    assert 1e-6 < np.square(rounded - whole).mean() / np.square(whole).mean() < 1e-2


def rewritten(model: Path, folder: Path, file: str, change: dict[str, torch.Tensor | None]) -> Path:
    changed = changed_copy(model, folder)
    tensors = load_file(changed / file)
    for name, tensor in change.items():
        del tensors[name]
        if tensor is not None:
            tensors[name] = tensor
    (changed / file).unlink()
    save_file(tensors, changed / file)
    return changed


@pytest.mark.parametrize(
    ("file", "name", "expected", "found"),
    [
        (DECODER, "out_conv.weight", [100, 384, 3], [100, 384, 5]),
        (DECODER, "decoder.decoder_block.11.weight", [512], [1, 512]),
        (VOCOS, "backbone.convnext.7.gamma", [512], [511]),
        (VOCOS, "head.istft.window", [1024], [2048]),
    ],
)
def test_a_tensor_of_another_shape_is_named_with_both_shapes(
    model: Path, tmp_path: Path, file: str, name: str, expected: list[int], found: list[int]
) -> None:
    changed = rewritten(model, tmp_path / "model", file, {name: torch.zeros(found)})

    with pytest.raises(ModelError) as error:
        Vocoder(changed)

    for part in (str(changed / file), name, str(expected), str(found)):
        assert part in str(error.value)


def test_a_missing_tensor_is_named_with_its_shape(model: Path, tmp_path: Path) -> None:
    changed = rewritten(model, tmp_path / "model", VOCOS, {"head.out.bias": None})

    with pytest.raises(ModelError, match=r"Vocos.safetensors.*head\.out\.bias.*\[1026\]"):
        Vocoder(changed)


def test_a_missing_file_is_named(model: Path, tmp_path: Path) -> None:
    changed = changed_copy(model, tmp_path / "model")
    (changed / DECODER).unlink()

    with pytest.raises(ModelError, match=r"Decoder\.safetensors"):
        Vocoder(changed)
