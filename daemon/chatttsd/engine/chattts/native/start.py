"""The door to the compiled kernels: keeps them between starts, and says why where they cannot be used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from chatttsd.engine.chattts.api import ModelShape, Precision
from chatttsd.engine.chattts.native import cache
from chatttsd.engine.chattts.weights import NO_HEADS, LayerWeights

if TYPE_CHECKING:
    from chatttsd.engine.chattts.native.backbone import LayersOfWeights, NativeBackbone

SMALL: Final = ModelShape(layers=1, hidden=64, heads=1, intermediate=64)
"""A model that compiles everything and takes no time to run."""
_UNKEPT: Final = 8
"""At most so many functions are compiled although they cannot be written: the disk is full."""


class SmallModel:
    """Weights of ones in a small shape."""

    def __init__(self, shape: ModelShape = SMALL) -> None:
        self.shape = shape

    def layers(self) -> Iterator[LayerWeights]:
        """Yield the layers."""
        hidden, inner = self.shape.hidden, self.shape.intermediate
        for _ in range(self.shape.layers):
            yield LayerWeights(
                attention_norm=torch.ones(hidden),
                qkv=torch.ones(3 * hidden, hidden),
                o=torch.ones(hidden, hidden),
                mlp_norm=torch.ones(hidden),
                gate_up=torch.ones(2 * inner, hidden),
                down=torch.ones(hidden, inner),
            )

    def final_norm(self) -> torch.Tensor:
        """Return ones."""
        return torch.ones(self.shape.hidden)


Compile = Callable[[Precision], object]
"""Compiles what a precision needs."""


def _nothing(_precision: Precision) -> None:
    """Compile nothing."""


def prepare(
    precision: Precision, folder: Path, also: Compile = _nothing, elsewhere: Compile = _nothing
) -> str | None:
    """Compile a precision's kernels, or read them from `folder`; returns why that failed, or None.

    `also` compiles what else is kept there: whatever comes later is taken for damage. `elsewhere` may fill an
    empty folder before (`compile_all` in another process).
    """
    try:
        with cache.alone(folder) as usable:
            if not usable:
                cache.keep_nothing()
            kept = cache.prepare(folder) if usable else None
            if kept is not None and not cache.is_sealed(kept):
                elsewhere(precision)
            if compile_all(precision, also) and kept is not None:
                cache.seal(kept)
    except Exception as error:
        return f"{type(error).__name__}: {_first_line(error)}"
    return None


def compile_all(precision: Precision, also: Compile) -> bool:
    """Run everything once; tells whether what was compiled could be kept."""
    whole = True
    for last in (*[False] * _UNKEPT, True):
        try:
            backbone = make(SmallModel(), precision, threads=1, positions=1)
            backbone.prefill(0, torch.ones(1, backbone.shape.hidden))
            backbone.close()
            also(precision)
        except OSError:
            # numba has compiled a function before it fails to write it: the next time it is there.
            if last:
                raise
            whole = False
        else:
            break
    return whole


def make(
    weights: "LayersOfWeights",
    precision: Precision,
    threads: int,
    positions: int | None = None,
    heads: torch.Tensor = NO_HEADS,
) -> "NativeBackbone":
    """Pack the weights and heads [outputs, hidden]; needs numba. Raises ModelError."""
    from chatttsd.engine.chattts.native.backbone import NativeBackbone

    return NativeBackbone(weights, precision, threads, positions=positions, heads=heads)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
