"""How fast the ChatTTS engine is on this machine: tokens, sound, start, memory; beside upstream's code.

Run: `python tests/bench/decode.py [--model DIR] [--json FILE]`. DIR gets a generated model of the full size
(0.9 GB) unless it has one. Everything is measured in the same run, so ratios hold on a busy machine too; the
goals are those of two quiet cores.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from bench.decode_steps import BATCHES, POSITIONS, Bench, Rate, backends, bandwidth
from bench.decode_worker import SHORT, Measured, Rounds, run
from chatttsd.engine.chattts.api import ModelError, Sampling
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.engine.chattts.random_model.writer import write
from chatttsd.platform.paths import cache_directory

_UPSTREAM_TOKENS: Final = (8, 40)
"""Two lengths, whose difference is decoding alone."""
_UPSTREAM_ROUNDS: Final = 3
_UPSTREAM_SAMPLES: Final = 24_000
"""A second of its sound."""
_REAL_TIME: Final = 46.875
"""Tokens of a second of sound."""
_MOST_STEPS: Final = 24
_DEFAULT: Final = "int8"
_PRECISIONS: Final = ("fp32", "bf16", _DEFAULT, "int4")
_FEW: Final = Rounds(first=2, alone=1, ahead=4)
"""For the precisions that have no goals: float32 is slower than real time."""

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that two cores should reach."""

    name: str
    limit: float
    reached: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    def __str__(self) -> str:
        """Return a line."""
        sign = ">=" if self.at_least else "<="
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict}  {self.name:<46} {sign} {self.limit:6g}  {self.reached:8.2f}"


@dataclass(frozen=True, slots=True)
class Upstream:
    """What `ChatTTS.Chat` reached in the same run."""

    tokens_a_second: float
    """Without its prefill and its vocoder; the median of three."""
    first_sound: float
    """Seconds from a short text to its sound, which comes as a whole: it was not asked to stream."""
    whole: float
    """Seconds of that sound."""

    @property
    def rtf(self) -> float:
        """The real-time factor of its decoding alone."""
        return _REAL_TIME / self.tokens_a_second


def measure_upstream(model: Path) -> Upstream:
    """Load `ChatTTS.Chat` and say the short text; raises ModelError."""
    from chatttsd.engine.chattts.reference import ReferenceModel

    chat = ReferenceModel(model)

    def speak(sampling: Sampling) -> tuple[float, float]:
        began = time.perf_counter()
        pcm = chat.speak(SHORT, None, sampling)
        return time.perf_counter() - began, pcm.size / _UPSTREAM_SAMPLES

    speak(Sampling(max_tokens=2))
    short, long = _UPSTREAM_TOKENS
    rates = []
    for _ in range(_UPSTREAM_ROUNDS):
        times = [speak(Sampling(max_tokens=tokens))[0] for tokens in _UPSTREAM_TOKENS]
        rates.append((long - short) / (times[1] - times[0]))
    return Upstream(statistics.median(rates), *speak(Sampling()))


def measure_workers(model: Path, rounds: int, show: Callable[[str], None]) -> dict[str, Measured]:
    """Start a worker of each precision, the default one with all rounds; returns what each reached."""
    full = Rounds(first=rounds, alone=max(2, rounds // 3))
    found = {}
    show(f"\n{'worker':<15}{'ready s':>11}{'first ms':>11}{'RTF alone':>11}{'RTF ahead':>11}{'peak MB':>11}")
    for precision in _PRECISIONS:
        one = run(model, precision, full if precision == _DEFAULT else _few(rounds))
        figures = f"{one.ready:11.2f}{1000 * one.first_sound:11.0f}{one.rtf:11.3f}{one.rtf_ahead:11.3f}"
        show(f"fast {precision:<10}{figures}{one.peak_mb:11.0f}")
        found[precision] = one
    show(f"{_DEFAULT}: {found[_DEFAULT].detail}")
    return found


def _few(rounds: int) -> Rounds:
    return replace(_FEW, first=min(rounds, _FEW.first))


def ratios(rates: list[Rate], upstream: Upstream, worker: Measured) -> Figures:
    """Return how many times better than upstream the default is, in the same run."""
    return {
        "tokens a second, batch 1, position 50": _at(rates)[f"fast {_DEFAULT}", 1, 50]
        / upstream.tokens_a_second,
        "real-time factor, upstream's without its vocoder": upstream.rtf / worker.rtf,
        "first sound of 30 characters": upstream.first_sound / worker.first_sound,
    }


def _at(rates: list[Rate]) -> dict[tuple[str, int, int], float]:
    return {(rate.backend, rate.batch, rate.position): rate.tokens_a_second for rate in rates}


def measure_steps(bench: Bench, show: Callable[[str], None]) -> tuple[list[Rate], Figures]:
    """Measure every backend; returns the rates and the profile of int8."""
    rates: list[Rate] = []
    profile: Figures = {}
    show(f"\n{'tokens a second':<12}" + "".join(f"{f'b{b} @{p}':>11}" for p in POSITIONS for b in BATCHES))
    for backend in backends():
        decoder = bench.decoder(backend)
        found = list(bench.rates(backend.name, decoder))
        rates += found
        show(f"{backend.name:<15}" + "".join(f"{rate.tokens_a_second:11.1f}" for rate in found))
        if backend.name == "fast int8":
            profile = bench.profile(decoder)
        del decoder
        gc.collect()
    return rates, profile


def goals(rates: list[Rate], upstream: Upstream | None, worker: Measured) -> list[Goal]:
    """Return the goals of issue and design with what was reached."""
    at = _at(rates)
    int8 = at["fast int8", 1, 50]
    found = [
        Goal("int8, batch 1, position 50: tokens/s", 105, int8),
        Goal("int8, batch 1, position 400: tokens/s", 95, at["fast int8", 1, 400]),
        Goal("int4, batch 1, position 50: tokens/s", 160, at["fast int4", 1, 50]),
        Goal("int8, batch 4 : batch 1, position 50", 2.8, at["fast int8", 4, 50] / int8),
        Goal("int8, real-time factor with vocoder", 0.5, worker.rtf, at_least=False),
        Goal("first PCM of 30 characters, warm: ms", 350, 1000 * worker.first_sound, at_least=False),
        Goal("peak memory of the int8 worker: MB", 900, worker.peak_mb, at_least=False),
        Goal("start of the worker to ready: s", 6, worker.ready, at_least=False),
    ]
    if upstream is not None:
        found.insert(3, Goal("int8 : upstream, batch 1", 12, int8 / upstream.tokens_a_second))
    return found


def measure(options: argparse.Namespace, show: Callable[[str], None]) -> Figures:
    """Do everything; returns the figures."""
    threads = len(os.sched_getaffinity(0))
    figures: Figures = {"threads": threads, "torch": torch.__version__, "load": os.getloadavg()[0]}
    figures["bandwidth_gb_s"] = {count: round(bandwidth(count), 1) for count in (1, threads)}
    show(f"{threads} threads; memory {figures['bandwidth_gb_s']} GB/s by threads; load {figures['load']:.1f}")
    workers = measure_workers(options.model, options.rounds, show)
    rates, profile = measure_steps(Bench(options.model, threads, options.steps), show)
    torch.set_num_threads(threads)
    upstream = None if options.no_upstream else _upstream(options.model, show)
    figures["ratios"] = {} if upstream is None else ratios(rates, upstream, workers[_DEFAULT])
    show(_listed(f"{_DEFAULT} : upstream", figures["ratios"]))
    show(_listed(f"{_DEFAULT}, ms of", profile))
    found = goals(rates, upstream, workers[_DEFAULT])
    show("\n" + "\n".join(map(str, found)))
    return figures | {
        "rates": [asdict(rate) for rate in rates],
        "upstream": None if upstream is None else asdict(upstream) | {"rtf_without_vocoder": upstream.rtf},
        "workers": {precision: asdict(one) for precision, one in workers.items()},
        "profile_ms": profile,
        "goals": [asdict(goal) | {"met": goal.met} for goal in found],
    }


def _listed(title: str, figures: Figures) -> str:
    return f"\n{title}" + "".join(f"\n  {name:<50}{value:8.2f}" for name, value in figures.items())


def _upstream(model: Path, show: Callable[[str], None]) -> Upstream | None:
    try:
        found = measure_upstream(model)
    except ModelError as error:
        show(f"upstream: {error}")
        return None
    show(f"{'upstream':<15}{'':22}{found.tokens_a_second:11.1f}")
    show(f"upstream: RTF {found.rtf:.2f} without its vocoder; first sound {1000 * found.first_sound:.0f} ms,")
    show(f"which is the whole segment of {found.whole:.1f} s: it is not asked to stream")
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = cache_directory() / "bench" / "model20"
    parser.add_argument("--model", type=Path, default=default, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--layers", type=int, default=20, help="of the model that is generated")
    parser.add_argument("--steps", type=int, default=_MOST_STEPS, help="of each batch and position")
    parser.add_argument("--rounds", type=int, default=7, help="first sounds")
    parser.add_argument("--no-upstream", action="store_true", help="without ChatTTS's own code")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not (options.model / "asset").is_dir():
        write(options.model, Recipe(layers=options.layers))
    figures = measure(options, lambda line: print(line, flush=True))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
