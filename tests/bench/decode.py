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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from bench.decode_steps import BATCHES, POSITIONS, Bench, Rate, backends, bandwidth
from bench.decode_worker import SHORT, Measured, run
from chatttsd.engine.chattts.api import ModelError, Sampling
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.engine.chattts.random_model.writer import write
from chatttsd.platform.paths import cache_directory

_UPSTREAM_TOKENS: Final = (8, 40)
"""Two lengths, whose difference is decoding alone."""
_MOST_STEPS: Final = 24

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


def upstream_rate(model: Path) -> float:
    """Return the tokens a second of `ChatTTS.Chat`, without its prefill and its vocoder."""
    from chatttsd.engine.chattts.reference import ReferenceModel

    chat = ReferenceModel(model)
    times = []
    for tokens in (2, *_UPSTREAM_TOKENS):
        began = time.perf_counter()
        chat.speak(SHORT, None, Sampling(max_tokens=tokens))
        times.append(time.perf_counter() - began)
    short, long = _UPSTREAM_TOKENS
    return (long - short) / (times[2] - times[1])


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


def goals(rates: list[Rate], upstream: float | None, worker: Measured) -> list[Goal]:
    """Return the goals of issue and design with what was reached."""
    at = {(rate.backend, rate.batch, rate.position): rate.tokens_a_second for rate in rates}
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
        found.insert(3, Goal("int8 : upstream, batch 1", 12, int8 / upstream))
    return found


def measure(options: argparse.Namespace, show: Callable[[str], None]) -> Figures:
    """Do everything; returns the figures."""
    threads = len(os.sched_getaffinity(0))
    figures: Figures = {"threads": threads, "torch": torch.__version__, "load": os.getloadavg()[0]}
    figures["bandwidth_gb_s"] = {count: round(bandwidth(count), 1) for count in (1, threads)}
    show(f"{threads} threads; memory {figures['bandwidth_gb_s']} GB/s by threads; load {figures['load']:.1f}")
    worker = run(options.model, "int8", options.rounds)
    show(f"worker: {worker.detail}")
    show(f"ready {worker.ready:.2f} s, first PCM {1000 * worker.first_sound:.0f} ms, RTF {worker.rtf:.3f}")
    show(f"RTF of six segments, decoded ahead {worker.rtf_ahead:.3f}; peak memory {worker.peak_mb:.0f} MB")
    rates, profile = measure_steps(Bench(options.model, threads, options.steps), show)
    torch.set_num_threads(threads)
    upstream = None if options.no_upstream else _upstream(options.model, show)
    show("\nint8, ms of" + "".join(f"\n  {name:<32}{value:8.2f}" for name, value in profile.items()))
    found = goals(rates, upstream, worker)
    show("\n" + "\n".join(map(str, found)))
    return figures | {
        "rates": [asdict(rate) for rate in rates],
        "upstream_tokens_a_second": upstream,
        "worker": asdict(worker),
        "profile_ms": profile,
        "goals": [asdict(goal) | {"met": goal.met} for goal in found],
    }


def _upstream(model: Path, show: Callable[[str], None]) -> float | None:
    try:
        rate = statistics.median([upstream_rate(model)])
    except ModelError as error:
        show(f"upstream: {error}")
        return None
    show(f"{'upstream':<15}{'':22}{rate:11.1f}")
    return rate


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
