"""Icons: short, quiet enough, without a click at either end."""

import struct
from itertools import pairwise

import pytest

from chatttsd.speech.icon import ICONS, icon


def samples(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


@pytest.mark.parametrize("name", sorted(ICONS))
def test_an_icon_is_50_ms_that_begin_and_end_at_zero(name: str) -> None:
    wave = samples(icon(name, 24_000))
    assert len(wave) == 1200
    assert wave[0] == wave[-1] == 0
    assert 3000 < max(wave) < 8000


def test_it_does_not_click() -> None:
    wave = samples(icon("capital", 24_000))
    assert max(abs(b - a) for a, b in pairwise(wave)) < 1500


def test_the_volume_is_a_linear_gain() -> None:
    full, half = (max(samples(icon("capital", 24_000, volume))) for volume in (1.0, 0.5))
    assert half == pytest.approx(full / 2, abs=1)
    assert not any(samples(icon("capital", 24_000, 0.0)))


def test_an_unknown_icon_is_an_error() -> None:
    with pytest.raises(KeyError, match="door"):
        icon("door", 24_000)
