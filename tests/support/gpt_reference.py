"""A GPT of random weights in any size, and what it computes, written plainly in torch float32."""

from collections.abc import Iterator
from typing import Final

import torch
from torch.nn.functional import cosine_similarity, rms_norm, scaled_dot_product_attention, silu

from chatttsd.engine.chattts.api import ModelShape
from chatttsd.engine.chattts.weights import LayerWeights

SMALL: Final = ModelShape(layers=3, hidden=192, heads=3, intermediate=320, max_positions=512)
"""Small, and no dimension is a multiple of another."""


class RandomGpt:
    """Weights as `weights.Weights` yields them; the same seed gives the same."""

    def __init__(self, shape: ModelShape = SMALL, seed: int = 0) -> None:
        self.shape = shape
        self._seed = seed

    def layers(self) -> Iterator[LayerWeights]:
        generator = torch.Generator().manual_seed(self._seed)
        hidden, inner = self.shape.hidden, self.shape.intermediate

        def weight(outputs: int, inputs: int) -> torch.Tensor:
            return torch.randn(outputs, inputs, generator=generator) / torch.tensor(inputs).sqrt()

        def gain() -> torch.Tensor:
            return 1 + 0.1 * torch.randn(hidden, generator=generator)

        for _ in range(self.shape.layers):
            yield LayerWeights(
                attention_norm=gain(),
                qkv=weight(3 * hidden, hidden),
                o=weight(hidden, hidden),
                mlp_norm=gain(),
                gate_up=weight(2 * inner, hidden),
                down=weight(hidden, inner),
            )

    def final_norm(self) -> torch.Tensor:
        return torch.linspace(0.5, 1.5, self.shape.hidden)

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """Return the hidden states [n, hidden] of a whole sequence."""
        shape = self.shape
        for layer in self.layers():
            normed = rms_norm(x, (shape.hidden,), layer.attention_norm, shape.rms_epsilon)
            q, k, v = (normed @ layer.qkv.T).view(-1, 3, shape.heads, shape.head_size).permute(1, 2, 0, 3)
            mixed = scaled_dot_product_attention(self._turn(q), self._turn(k), v, is_causal=True)
            x = x + mixed.transpose(0, 1).reshape(-1, shape.hidden) @ layer.o.T
            normed = rms_norm(x, (shape.hidden,), layer.mlp_norm, shape.rms_epsilon)
            gate, up = (normed @ layer.gate_up.T).chunk(2, 1)
            x = x + (silu(gate) * up) @ layer.down.T
        return rms_norm(x, (shape.hidden,), self.final_norm(), shape.rms_epsilon)

    def _turn(self, heads: torch.Tensor) -> torch.Tensor:
        """Apply RoPE as Hugging Face does: halves, not pairs."""
        size = self.shape.head_size
        exponents = torch.arange(0, size, 2).float() / size
        angles = torch.outer(torch.arange(heads.shape[1]).float(), self.shape.rope_theta**-exponents)
        cosine, sine = (torch.cat([part, part], 1) for part in (angles.cos(), angles.sin()))
        low, high = heads.chunk(2, -1)
        return heads * cosine + torch.cat([-high, low], -1) * sine


def noise(rows: int, hidden: int = SMALL.hidden, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, hidden, generator=torch.Generator().manual_seed(seed))


def relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


def mean_cosine(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float(cosine_similarity(found, exact, dim=-1).mean())
