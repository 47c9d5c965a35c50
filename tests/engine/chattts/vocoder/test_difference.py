from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.chattts.vocoder.difference import SYNTHETIC, Ruler, sweep, synthetic_hidden
from chatttsd.engine.chattts.vocoder.stream import StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder


@pytest.fixture(scope="module")
def ruler(model: Path) -> Ruler:
    return Ruler(model)


@pytest.fixture(scope="module")
def noise() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.1 * np.random.default_rng(0).standard_normal(24_000)).astype(np.float32)


def test_a_sound_does_not_differ_from_itself(
    ruler: Ruler, noise: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    found = ruler.difference(noise, noise)

    assert found.snr_db == pytest.approx(200)
    assert found.max_abs == found.log_mel_db == 0


def test_a_sound_a_tenth_louder_is_20_db_off_in_samples_and_0_8_in_its_spectrum(
    ruler: Ruler, noise: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    found = ruler.difference(noise * np.float32(1.1), noise)

    assert found.snr_db == pytest.approx(20, abs=0.01)
    assert found.max_abs == pytest.approx(0.1 * np.abs(noise).max(), rel=1e-3)
    assert found.log_mel_db == pytest.approx(20 * np.log10(1.1), abs=0.01)


def test_more_lookahead_and_more_settling_come_nearer(vocoder: Vocoder, ruler: Ruler) -> None:
    tried = [StreamSettings(lookahead=n, settle=m) for n, m in ((3, 3), (8, 8), (8, 40), (24, 24))]

    swept = sweep(vocoder, ruler, synthetic_hidden("sines", 90), tried)

    assert [settings for settings, _ in swept] == tried
    ratios = [difference.snr_db for _, difference in swept]
    assert ratios == sorted(ratios)
    assert ratios[0] + 20 < ratios[-1]


@pytest.mark.parametrize("kind", SYNTHETIC)
def test_synthetic_hidden_states_have_variance_1_and_follow_their_seed(kind: str) -> None:
    first, again, other = (synthetic_hidden(kind, 200, seed) for seed in (1, 1, 2))

    assert first.shape == (200, 768)
    assert 0.8 < float(first.var()) < 1.2
    assert (first == again).all()
    assert not (first == other).all()
