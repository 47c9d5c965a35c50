"""Parity and speed of the captured decoder on a CUDA GPU; see run.sh. Prints and writes one JSON object."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from chatttsd.engine.chattts.api import TOKENS_PER_SECOND, Generation, Precision, Prompt, Sampling
from chatttsd.engine.chattts.graph_decoder import GraphDecoder
from chatttsd.engine.chattts.graphs import KV_BUCKETS
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.engine.chattts.random_model.writer import write
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.torch_backbone import TorchBackbone
from chatttsd.engine.chattts.weights import Weights
from support.oracle import TEXTS, Tale, difference, fast, speaker_string, speaker_vector

NO_GPU: Final = 3
TOKENS: Final = 300
TOLERANCE: Final = 1e-3
"""Relative distance of float32 hidden states on CUDA and on the CPU (other kernels, other sums)."""
SPEED_TOKENS: Final = 1900
"""Long enough to pass through every length of the KV cache."""


def finish(generation: Generation, rows: int) -> list[Tale]:
    """Advance to the end; hidden states and codes of each row on the CPU."""
    while generation.alive:
        generation.advance()
    return [Tale(generation.hidden(row).cpu(), generation.codes(row).cpu()) for row in range(rows)]


def make(directory: Path, precision: Precision) -> tuple[GraphDecoder, float]:
    """Return a warm decoder on CUDA and how many seconds the captures took."""
    weights = Weights(directory)
    tokens = Tokens(directory, weights.shape)
    decoder = GraphDecoder(
        weights,
        precision,
        "cuda",
        speaker_token=tokens.speaker,
        end_of_refinement=tokens.end_of_refinement,
    )
    began = time.perf_counter()
    decoder.warm()
    torch.cuda.synchronize()
    return decoder, time.perf_counter() - began


def parity(decoder: GraphDecoder, directory: Path, prompts: Sequence[Prompt]) -> dict[str, Any]:
    """Compare with the plain decoder on the CPU in float32: a batch of three, then each alone."""
    plain = fast(directory, TorchBackbone(Weights(directory))).decoder
    samplings = [Sampling(seed=seed, max_tokens=TOKENS) for seed in range(len(prompts))]
    expected = finish(plain.start(prompts, samplings), len(prompts))
    together = finish(decoder.start(prompts, samplings), len(prompts))
    alone = [finish(decoder.start([p], [s]), 1)[0] for p, s in zip(prompts, samplings, strict=True)]
    return {"batch": compare(together, expected), "alone": compare(alone, expected)}


def compare(found: Sequence[Tale], expected: Sequence[Tale]) -> dict[str, Any]:
    """Return how many leading tokens are equal, and how far the hidden states up to there are apart."""
    equal, apart = [], []
    for mine, theirs in zip(found, expected, strict=True):
        length = min(len(mine.codes), len(theirs.codes))
        same = (mine.codes[:length] == theirs.codes[:length]).all(1).tolist()
        first = same.index(False) if False in same else length
        equal.append(first)
        apart.append(difference(mine.hidden[: first or 1], theirs.hidden[: first or 1]))
    return {"equal_tokens": equal, "hidden_difference": max(apart)}


def speed(decoder: GraphDecoder, prompt: Prompt, rows: int) -> dict[str, Any]:
    """Return tokens per second (all rows) within each length of the KV cache, and to the first token."""
    samplings = [Sampling(seed=seed, max_tokens=SPEED_TOKENS) for seed in range(rows)]
    torch.cuda.synchronize()
    began = time.perf_counter()
    generation = decoder.start([prompt] * rows, samplings)
    generation.advance()
    first = time.perf_counter() - began
    marks: dict[int, list[tuple[float, int]]] = {size: [] for size in KV_BUCKETS}
    while generation.alive:
        generation.advance()
        position = len(prompt.tokens) + generation.length(0)
        size = next((size for size in KV_BUCKETS if position <= size), KV_BUCKETS[-1])
        marks[size].append((time.perf_counter(), sum(generation.length(row) for row in range(rows))))
    rates = {str(size): rate(seen) for size, seen in marks.items() if len(seen) > 1}
    return {"first_tokens_ms": first * 1000, "tokens_per_second": rates}


def rate(seen: Sequence[tuple[float, int]]) -> float:
    """Return tokens per second between the first and the last of (time, tokens)."""
    return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


@contextmanager
def model_of(given: Path | None) -> Iterator[Path]:
    """Yield a model folder: the one given, or a random one of the full size whose audio does not end."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="chatttsd-gpu-") as folder:
        write(Path(folder), Recipe(layers=20, seed=0, end="never"))
        yield Path(folder)


def measure(directory: Path) -> dict[str, Any]:
    """Run everything."""
    tokens = Tokens(directory, Weights(directory).shape)
    voice = speaker_vector(speaker_string(1))
    prompts = [Prompt(tokens.speech(text), voice) for text in TEXTS]
    found: dict[str, Any] = {
        "gpu": torch.cuda.get_device_name(),
        "capability": ".".join(str(part) for part in torch.cuda.get_device_capability()),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "real_time_tokens_per_second": TOKENS_PER_SECOND,
    }
    for precision in (Precision.FP32, Precision.BF16):
        torch.cuda.reset_peak_memory_stats()
        decoder, seconds = make(directory, precision)
        found[precision.value] = {
            "capture_seconds": seconds,
            "parity": parity(decoder, directory, prompts),
            "rows": {str(rows): speed(decoder, prompts[0], rows) for rows in (1, 2, 4)},
            "peak_memory_mib": torch.cuda.max_memory_allocated() / 2**20,
        }
        del decoder
        torch.cuda.empty_cache()
    return found


def failures(found: Mapping[str, Any]) -> list[str]:
    """Return what does not hold: float32 must say what the CPU says."""
    wrong = []
    for how, result in found[Precision.FP32.value]["parity"].items():
        if result["hidden_difference"] > TOLERANCE:
            wrong.append(f"{how}: hidden states differ by {result['hidden_difference']:.2e}")
        if min(result["equal_tokens"]) < TOKENS:
            wrong.append(f"{how}: tokens equal up to {result['equal_tokens']} of {TOKENS}")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder; default: a random one")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"), help="default: gpu.json")
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(f"no CUDA GPU: torch {torch.__version__} sees none here, nothing was measured", file=sys.stderr)
        return NO_GPU
    with model_of(given.model) as directory:
        found = measure(directory)
    content = json.dumps(found, indent=2)
    given.output.write_text(content + "\n", encoding="utf-8")
    print(content)
    wrong = failures(found)
    print("\n".join(wrong) or "parity holds", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
