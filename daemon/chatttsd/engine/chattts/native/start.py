"""The door to the compiled kernels: keeps them between starts, and says why where they cannot be used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from chatttsd.engine.chattts.api import ModelShape, Precision
from chatttsd.engine.chattts.native import cache
from chatttsd.engine.chattts.weights import LayerWeights

if TYPE_CHECKING:
    from chatttsd.engine.chattts.native.backbone import LayersOfWeights, NativeBackbone

SMALL: Final = ModelShape(layers=1, hidden=64, heads=1, intermediate=64)
"""A model that compiles everything and takes no time to run."""


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


def prepare(precision: Precision, folder: Path, also: Callable[[], object] = lambda: None) -> str | None:
    """Compile a precision's kernels, or read them from `folder`; returns why that failed, or None.

    `also` compiles what else is kept there: whatever comes later is taken for damage.
    """
    kept = cache.prepare(folder)
    try:
        make(SmallModel(), precision, threads=1, positions=1).close()
        also()
    except Exception as error:
        return f"{type(error).__name__}: {_first_line(error)}"
    if kept is not None:
        cache.seal(kept)
    return None


def make(
    weights: "LayersOfWeights", precision: Precision, threads: int, positions: int | None = None
) -> "NativeBackbone":
    """Pack the weights; needs numba. Raises ModelError."""
    from chatttsd.engine.chattts.native.backbone import NativeBackbone

    return NativeBackbone(weights, precision, threads, positions=positions)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
