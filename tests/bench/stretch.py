"""Time-stretch libraries beside each other: how fast, how late, how clean, at 24 kHz in pieces of 20 ms.

Run: `python tests/bench/stretch.py [--seconds N] [--json FILE]`, after `pip install pylibrb python-stretch`
for the two that are not used, Rubber Band (its two engines) and Signalsmith Stretch. For each and each rate:
x: seconds of sound in a second of one core. latency: ms of input before the first of the output.
length: of the output, in % of what the rate asks for. f0: the fundamental's median change over espeak-ng's
voiced frames, in %. HNR: a steady vowel's power within a tenth of its fundamental around its harmonics to
all else, in dB. burst: how long the middle 90 % of the energy of a noise burst of 5 ms takes, in ms.
lost: bursts, in %, of which less than 1/20 of the energy is left.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.post.stretching import Sonic
from support.ear import spoken
from support.voiced import VOWEL_HZ, moved, vowel

Floats = NDArray[np.float64]

RATES = (0.5, 1.5, 2.0, 3.0, 4.0)
PIECE = SAMPLE_RATE // 50
BURST = SAMPLE_RATE // 200
BURST_EVERY = SAMPLE_RATE * 3 // 10
TEXT = "The quick brown fox jumps over the lazy dog, and then it runs away. She sells shells by the shore."


class Stream(Protocol):
    """A library's stream: floats of -1..1 in and out."""

    def feed(self, samples: Floats) -> Floats: ...

    def finish(self) -> Floats: ...


class OfSonic:
    """libsonic out of libespeak-ng, as the worker uses it."""

    def __init__(self, rate: float) -> None:
        self._sonic = Sonic(rate)

    def feed(self, samples: Floats) -> Floats:
        made: Floats = self._sonic.feed(np.rint(samples * 32767).astype(np.int16)) / 32768
        return made

    def finish(self) -> Floats:
        rest: Floats = self._sonic.finish() / 32768
        self._sonic.close()
        return rest


class OfRubberBand:
    """Rubber Band in its mode for streams."""

    def __init__(self, rate: float, engine: str) -> None:
        import pylibrb

        options = pylibrb.Option.PROCESS_REALTIME | getattr(pylibrb.Option, engine)
        self._stretcher = pylibrb.RubberBandStretcher(SAMPLE_RATE, 1, options, 1 / rate)
        self._stretcher.set_max_process_size(PIECE)
        self._skip = self._stretcher.get_start_delay()
        pad = self._stretcher.get_preferred_start_pad()
        self._made: list[Floats] = []
        for start in range(0, pad, PIECE):
            self._made.append(self.feed(np.zeros(min(PIECE, pad - start))))

    def feed(self, samples: Floats) -> Floats:
        return self._process(samples, last=False)

    def finish(self) -> Floats:
        return self._process(np.zeros(0), last=True)

    def _process(self, samples: Floats, *, last: bool) -> Floats:
        self._stretcher.process(samples.astype(np.float32)[None, :], last)
        made = self._stretcher.retrieve_available()[0].astype(float)
        fresh: Floats = made[self._skip :]
        self._skip -= made.size - fresh.size
        return fresh


class OfSignalsmith:
    """Signalsmith Stretch: its Python package ends the stream at each call, so it gets the whole at once."""

    def __init__(self, rate: float) -> None:
        from python_stretch import Signalsmith

        self._stretch = Signalsmith.Stretch(1)
        self._stretch.preset(1, SAMPLE_RATE)
        self._stretch.setTimeFactor(rate)
        self._taken: list[Floats] = []

    def feed(self, samples: Floats) -> Floats:
        self._taken.append(samples)
        return np.zeros(0)

    def finish(self) -> Floats:
        whole = np.concatenate(self._taken).astype(np.float32)[None, :]
        made: Floats = np.array(self._stretch.process(whole))[0].astype(float)
        return made


LIBRARIES: dict[str, Callable[[float], Stream]] = {
    "libsonic (libespeak-ng)": OfSonic,
    "Rubber Band, faster": lambda rate: OfRubberBand(rate, "ENGINE_FASTER"),
    "Rubber Band, finer": lambda rate: OfRubberBand(rate, "ENGINE_FINER"),
    "Signalsmith": OfSignalsmith,
}


def stretched(make: Callable[[float], Stream], rate: float, samples: Floats) -> tuple[Floats, float]:
    """Return the output and how many ms of input came before its first sample."""
    stream = make(rate)
    made, late = [], -1
    for start in range(0, samples.size, PIECE):
        piece = samples[start : start + PIECE]
        made.append(stream.feed(piece))
        if late < 0 and made[-1].size:
            late = start + piece.size
    made.append(stream.finish())
    late = samples.size if late < 0 else late
    return np.concatenate(made), late * 1000 / SAMPLE_RATE


def speech(seconds: int) -> Floats:
    """Return speech of espeak-ng."""
    return np.resize(spoken(TEXT, "en") / 32768, seconds * SAMPLE_RATE)


def bursts(seconds: int) -> Floats:
    """Return bursts of noise far from each other."""
    noise = np.random.default_rng(5).standard_normal(seconds * SAMPLE_RATE) * 0.2
    place = np.arange(noise.size) % BURST_EVERY
    return np.where((place >= BURST_EVERY // 2) & (place < BURST_EVERY // 2 + BURST), noise, 0.0)


def harmonics_to_noise(samples: Floats) -> float:
    """Return the power at the vowel's harmonics over all else, in dB, of the inner part."""
    inner = samples[SAMPLE_RATE // 4 : -SAMPLE_RATE // 4]
    power = np.abs(np.fft.rfft(inner * np.blackman(inner.size))) ** 2
    frequency = np.fft.rfftfreq(inner.size, 1 / SAMPLE_RATE)
    distance = np.abs(frequency - VOWEL_HZ * np.maximum(1, np.round(frequency / VOWEL_HZ)))
    near = distance <= VOWEL_HZ / 10
    return float(10 * np.log10(power[near].sum() / max(power[~near].sum(), 1e-20)))


def smear(samples: Floats, rate: float, before: Floats) -> tuple[float, float]:
    """Return the mean ms of the middle 90 % of a burst's energy, and the % of the bursts that are gone."""
    every = BURST_EVERY / rate
    usual = float(np.square(before).sum()) / (before.size // BURST_EVERY)
    widths, lost = [], 0
    count = int(samples.size // every)
    for index in range(count):
        energy = np.square(samples[int(index * every) : int((index + 1) * every)])
        if energy.sum() < usual / 20:
            lost += 1
            continue
        share = np.cumsum(energy) / energy.sum()
        widths.append((np.searchsorted(share, 0.95) - np.searchsorted(share, 0.05)) * 1000 / SAMPLE_RATE)
    return float(np.mean(widths)) if widths else float("nan"), 100 * lost / max(1, count)


def measure(make: Callable[[float], Stream], rate: float, seconds: int) -> dict[str, float]:
    """Return every figure of one library at one rate."""
    talk, steady, ticks = speech(seconds), vowel(seconds), bursts(seconds)
    began = time.process_time()
    made, late = stretched(make, rate, talk)
    spent = time.process_time() - began
    clean = harmonics_to_noise(stretched(make, rate, steady)[0])
    width, lost = smear(stretched(make, rate, ticks)[0], rate, ticks)
    return {
        "x": round(seconds / spent),
        "latency": round(late, 1),
        "length": round(100 * made.size * rate / talk.size, 2),
        "f0": round(moved(talk, made, rate), 2),
        "HNR": round(clean, 1),
        "burst": round(width, 1),
        "lost": round(lost),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, make in LIBRARIES.items():
        for rate in RATES:
            try:
                figures = measure(make, rate, options.seconds)
            except ImportError as error:
                print(f"{name}: {error}")
                break
            rows.append({"library": name, "rate": rate, **figures})
            print(
                f"{name:24} rate {rate:3}  " + "  ".join(f"{key} {value:g}" for key, value in figures.items())
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
