"""What the vocoder costs per second of sound, and what streaming it changes in the sound.

Run: `python tests/bench/vocoder.py [--model DIR] [--precision P] [--threads N] [--rounds N] [--json FILE]`.
Without a model a random one is made. Cost: upstream's Decoder and Vocos, our decode of the whole, our stream
(with the products that the engine uses for a precision, auto unless given), the same in chunks that do not
grow, and upstream's way of streaming (all tokens again at every 24); with one thread its processor time,
otherwise wall time. What a chunk costs by its tokens, as a line through the sizes that the stream uses.
Seams: a stream against one decode of the whole, by look-ahead, settling and crossfade. Clicks: the largest
step between samples in the 8 ms of a join beside other 8 ms, and of the error that streaming makes. Random
weights let a token be heard further away than trained ones, whose blocks add less to what goes in.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch

from chatttsd.engine.chattts.api import TOKENS_PER_SECOND
from chatttsd.engine.chattts.decoders import choose, make_vocoder
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.engine.chattts.random_model.writer import write
from chatttsd.engine.chattts.vocoder.difference import (
    SYNTHETIC,
    Ruler,
    joins,
    stream_all,
    sweep,
    synthetic_hidden,
)
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder, StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from support.clicks import steps_at_joins
from support.upstream_vocoder import UpstreamVocoder

SECONDS = (1, 2, 5, 10, 20, 40)
UPSTREAM_BATCH = 24
LONGEST_UPSTREAM_STREAM = 10
SWEPT_TOKENS = 180
EVEN = StreamSettings(chunks=(32,))
CHUNKS = 4
SETTINGS = (
    *(StreamSettings(lookahead=n, settle=n) for n in (4, 6, 8, 10, 12, 16, 24)),
    StreamSettings(settle=24),
    StreamSettings(settle=52),
    StreamSettings(lookahead=52, settle=52),
    StreamSettings(crossfade=0),
    StreamSettings(crossfade=120),
    StreamSettings(crossfade=480),
)
CLICKED = (
    *(StreamSettings(lookahead=n, settle=n) for n in (4, 8, 12)),
    StreamSettings(crossfade=0),
)

Rows = list[dict[str, Any]]


def fastest(act: Callable[[], object], rounds: int) -> float:
    """Return the milliseconds of the fastest of some runs: the one least disturbed.

    With one thread this is its processor time, which other processes disturb little.
    """
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    times = []
    for _ in range(rounds):
        began = clock()
        act()
        times.append((clock() - began) * 1000)
    return min(times)


def upstream_stream(upstream: UpstreamVocoder, hidden: torch.Tensor) -> None:
    """Decode all tokens again whenever there are 24 more, as upstream does."""
    for end in range(UPSTREAM_BATCH, len(hidden) + UPSTREAM_BATCH, UPSTREAM_BATCH):
        upstream.decode(hidden[:end])


def costs(vocoder: Vocoder, upstream: UpstreamVocoder, rounds: int) -> Rows:
    """Return milliseconds per second of sound by its length."""
    rows = []
    for seconds in SECONDS:
        hidden = synthetic_hidden("sines", round(seconds * TOKENS_PER_SECOND))
        few = max(2, rounds // seconds)
        row: dict[str, Any] = {
            "s": seconds,
            "upstream": fastest(partial(upstream.decode, hidden), few) / seconds,
            "whole": fastest(partial(vocoder.decode, hidden), few) / seconds,
            "stream": fastest(partial(stream_all, vocoder, hidden, StreamSettings()), few) / seconds,
            "even chunks": fastest(partial(stream_all, vocoder, hidden, EVEN), few) / seconds,
            "upstream's stream": "-",
        }
        if seconds <= LONGEST_UPSTREAM_STREAM:
            row["upstream's stream"] = fastest(partial(upstream_stream, upstream, hidden), 1) / seconds
        rows.append(row)
    return rows


def push_all(vocoder: Vocoder, hidden: torch.Tensor, settings: StreamSettings) -> None:
    """Render whole chunks and nothing behind them."""
    StreamingVocoder(vocoder, settings).push(hidden)


def chunk_cost(vocoder: Vocoder, rounds: int) -> dict[str, float]:
    """Return what a chunk costs in milliseconds: by itself, and each of its tokens; least squares."""
    sizes, times = sorted(set(StreamSettings().chunks)), []
    for size in sizes:
        settings = StreamSettings(chunks=(size,))
        hidden = synthetic_hidden("sines", settings.lookahead + CHUNKS * size)
        push = partial(push_all, vocoder, hidden, settings)
        times.append(fastest(push, rounds) / CHUNKS)
    token, chunk = np.polyfit(sizes, times, 1)
    return {"chunk": float(chunk), "token": float(token)}


def first_sound(vocoder: Vocoder, rounds: int) -> dict[str, float]:
    """Return what the first samples of a stream wait for: tokens, then milliseconds."""
    needed = next(StreamSettings().boundaries())
    hidden = synthetic_hidden("sines", needed)
    return {
        "tokens": needed,
        "ms": fastest(lambda: StreamingVocoder(vocoder).push(hidden), rounds),
    }


def seams(vocoder: Vocoder, ruler: Ruler) -> Rows:
    """Return the difference to one decode of the whole by settings and kind of hidden states."""
    rows = []
    for kind in SYNTHETIC:
        hidden = synthetic_hidden(kind, SWEPT_TOKENS)
        for settings, difference in sweep(vocoder, ruler, hidden, SETTINGS):
            named = {"lookahead": settings.lookahead, "settle": settings.settle}
            rows.append({"hidden": kind, **named, "crossfade": settings.crossfade} | asdict(difference))
    return rows


def clicks(vocoder: Vocoder) -> Rows:
    """Return the steps at joins and elsewhere, in thousandths of full scale."""
    rows = []
    for kind in SYNTHETIC:
        hidden = synthetic_hidden(kind, SWEPT_TOKENS)
        whole = vocoder.decode(hidden)
        for settings in CLICKED:
            samples = stream_all(vocoder, hidden, settings)
            places = joins(settings, len(hidden))
            at_joins, elsewhere = steps_at_joins(samples, places, settings.crossfade)
            error, _ = steps_at_joins(samples - whole, places, settings.crossfade)
            found = {
                "joins": np.median(at_joins),
                "joins max": at_joins.max(),
                "elsewhere": np.median(elsewhere),
                "elsewhere max": elsewhere.max(),
                "error max": error.max(),
            }
            rows.append(
                {"hidden": kind, "lookahead": settings.lookahead, "crossfade": settings.crossfade}
                | {n: 1000 * float(v) for n, v in found.items()}
            )
    return rows


def show(title: str, rows: Rows) -> None:
    """Print a table."""
    print(f"\n{title}")
    widths = {name: max(len(name), 9) for name in rows[0]}
    print("  ".join(f"{name:>{width}}" for name, width in widths.items()))
    for row in rows:
        cells = (f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values())
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths.values(), strict=True)))


def measure(model: Path, rounds: int, precision: str) -> dict[str, Any]:
    """Measure everything with the model in a folder, the vocoder as the engine loads it for a precision."""
    vocoder = make_vocoder(model, choose(precision, "cpu"))
    upstream, ruler = UpstreamVocoder(model), Ruler(model)
    return {
        "cost": costs(vocoder, upstream, rounds),
        "chunk": chunk_cost(vocoder, rounds),
        "first sound": first_sound(vocoder, rounds),
        "seams": seams(vocoder, ruler),
        "clicks": clicks(vocoder),
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as made:
        if not options.model:
            write(Path(made), Recipe(layers=1))
        results = measure(options.model or Path(made), options.rounds, options.precision)
    show(f"cost, ms per second of sound, {options.threads} threads", results["cost"])
    print("a chunk: {chunk:.1f} ms and {token:.2f} ms for each of its tokens".format(**results["chunk"]))
    print("first samples: after {tokens} tokens and {ms:.1f} ms".format(**results["first sound"]))
    show("stream against one decode of the whole (dB, full scale = 1, dB)", results["seams"])
    show(
        "largest step in a crossfade (at the join where there is none), thousandths of full scale",
        results["clicks"],
    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
