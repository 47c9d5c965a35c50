import pytest
import torch

from chatttsd.engine.chattts.vocoder.spectrum import AFTER, BEFORE, HOP, Synthesis, log_mel, silent_frames
from chatttsd.models.layout import BINS, FFT

WINDOW = torch.hann_window(FFT)


def spectra(frames: int) -> torch.Tensor:
    return torch.randn(frames, 2 * BINS, generator=torch.Generator().manual_seed(frames))


def whole(synthesis: Synthesis, made: torch.Tensor) -> torch.Tensor:
    around = torch.cat((silent_frames(BEFORE, made), made, silent_frames(AFTER - 1, made)))
    return synthesis.hops(around, first=True, last=True)


@pytest.mark.parametrize("frames", [2, 3, 4, 5, 60])
def test_samples_are_those_of_torchs_inverse_stft(frames: int) -> None:
    synthesis, found = Synthesis(WINDOW), spectra(frames)

    samples = whole(synthesis, synthesis.frames(found))

    complex_spectra = torch.polar(found[:, :BINS].exp().clamp(max=100), found[:, BINS:].contiguous())
    expected = torch.istft(complex_spectra.t(), FFT, HOP, window=WINDOW, center=True)
    assert samples.shape == expected.shape == ((frames - 1) * HOP,)
    assert torch.allclose(samples, expected, atol=1e-5)


@pytest.mark.parametrize("cut", [1, 2, 7, 18])
def test_hops_made_in_two_parts_are_equal(cut: int) -> None:
    synthesis = Synthesis(WINDOW)
    made = synthesis.frames(spectra(20))
    around = torch.cat((silent_frames(BEFORE, made), made, silent_frames(AFTER - 1, made)))

    before = synthesis.hops(around[: cut + BEFORE + AFTER], first=True, last=False)
    after = synthesis.hops(around[cut:], first=False, last=True)

    assert torch.equal(torch.cat((before, after)), whole(synthesis, made))


def test_magnitudes_are_cut_at_100() -> None:
    loud = torch.zeros(3, 2 * BINS)
    loud[:, 10] = 50.0
    limited = torch.zeros(3, 2 * BINS)
    limited[:, 10] = torch.tensor(100.0).log()
    synthesis = Synthesis(WINDOW)

    assert torch.allclose(synthesis.frames(loud), synthesis.frames(limited), rtol=1e-4)


def test_silence_has_the_lowest_mel_magnitude() -> None:
    mel = log_mel(torch.zeros(2560), WINDOW, torch.rand(BINS, 100))

    assert mel.shape == (11, 100)
    assert torch.allclose(mel, torch.tensor(1e-5).log().expand(11, 100))
