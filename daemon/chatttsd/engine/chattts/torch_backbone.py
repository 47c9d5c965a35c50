"""The GPT in plain torch: the fallback where compiled kernels are not usable, and the basis of CUDA."""

from collections.abc import Callable, Sequence
from typing import Final, Self

import torch
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from chatttsd.engine.chattts.api import ModelError, ModelShape, Precision, look_at_nothing
from chatttsd.engine.chattts.linears import pack
from chatttsd.engine.chattts.weights import LayerWeights, Weights

MOST_SLOTS: Final = 4
_KEPT_POSITIONS: Final = 512
"""A slot that held more than this many positions gives its memory back when it is filled afresh."""

Attend = Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]
"""(layer, queries [n, heads, head_size], keys and values [n, 2, heads, head_size]) -> [n, hidden]."""


class Layer:
    """One layer's packed weights and its arithmetic around the attention."""

    def __init__(
        self, weights: LayerWeights, shape: ModelShape, precision: Precision, device: torch.device
    ) -> None:
        self._shape = shape
        self._norms = (weights.attention_norm.to(device), weights.mlp_norm.to(device))
        self._qkv = pack(_paired(weights.qkv, shape), precision, device)
        self._o = pack(weights.o, precision, device)
        self._gate_up = pack(weights.gate_up, precision, device)
        self._down = pack(weights.down, precision, device)

    def project(self, x: torch.Tensor, turns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return queries [n, heads, head_size], and keys with values [n, 2, heads, head_size], RoPE applied.

        `turns` is complex64 [n, 1, head_size / 2], a row of `rope_table` for each row of x.
        """
        shape = self._shape
        normed = rms_norm(x, (shape.hidden,), self._norms[0], shape.rms_epsilon)
        parts = self._qkv(normed).view(-1, 3, shape.heads, shape.head_size)
        rotated = torch.view_as_complex(parts[:, :2].view(-1, 2 * shape.heads, shape.head_size // 2, 2))
        rotated.mul_(turns)
        return parts[:, 0], parts[:, 1:]

    def finish(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """Add the attention's output and the MLP's to the residual x, which is overwritten."""
        shape = self._shape
        x += self._o(attended)
        normed = rms_norm(x, (shape.hidden,), self._norms[1], shape.rms_epsilon)
        gate, up = self._gate_up(normed).chunk(2, dim=1)
        x += self._down(silu(gate).mul_(up))
        return x


class Layers:
    """All layers and the final norm; holds no state between calls."""

    def __init__(self, weights: Weights, precision: Precision, device: torch.device) -> None:
        self.shape = weights.shape
        self.device = device
        self._layers = [Layer(layer, self.shape, precision, device) for layer in weights.layers()]
        self._norm = weights.final_norm().to(device)
        self.turns = rope_table(self.shape).to(device)
        """complex64 [max_positions, 1, head_size / 2]"""

    def run(self, x: torch.Tensor, turns: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Return hidden states like x, float32 [n, hidden], which is overwritten."""
        for index, layer in enumerate(self._layers):
            queries, keys_values = layer.project(x, turns)
            x = layer.finish(x, attend(index, queries, keys_values))
        return rms_norm(x, (self.shape.hidden,), self._norm, self.shape.rms_epsilon)


class TorchBackbone:
    """`Backbone` for a CPU (or, slowly, any device): a float32 KV cache per slot, as long as `positions`.

    Memory is used only as far as positions are filled. Raises ModelError past the last position.
    """

    def __init__(
        self,
        weights: Weights,
        precision: Precision = Precision.FP32,
        device: torch.device | str = "cpu",
        positions: int | None = None,
    ) -> None:
        self._share(Layers(weights, precision, torch.device(device)), positions)

    @classmethod
    def over(cls, layers: Layers, positions: int | None = None) -> Self:
        """Return a backbone with a cache of its own over layers that something else uses too."""
        made = cls.__new__(cls)
        made._share(layers, positions)  # noqa: SLF001 - its own
        return made

    def _share(self, layers: Layers, positions: int | None) -> None:
        self.shape = layers.shape
        self._device = layers.device
        self._layers = layers
        self._positions = min(positions or self.shape.max_positions, self.shape.max_positions)
        self._caches: list[torch.Tensor | None] = [None] * MOST_SLOTS
        self._lengths = [0] * MOST_SLOTS

    @torch.inference_mode()
    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        """See `Backbone`; looks before every layer."""
        length = embeddings.shape[0]
        self._require(length)
        cache = self._fresh(slot)

        def attend(layer: int, queries: torch.Tensor, keys_values: torch.Tensor) -> torch.Tensor:
            look()
            cache[layer, :, :, :length] = keys_values.permute(1, 2, 0, 3)
            keys, values = cache[layer, :, :, :length]
            mixed = scaled_dot_product_attention(queries.transpose(0, 1), keys, values, is_causal=True)
            return mixed.transpose(0, 1).reshape(length, -1)

        x = embeddings.to(self._device, copy=True)
        hidden = self._layers.run(x, self._layers.turns[:length], attend)
        self._lengths[slot] = length
        return hidden[-1]

    @torch.inference_mode()
    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        """Append one position to each slot, float32 [len(slots), hidden]; returns hidden states like it."""
        positions = [self._lengths[slot] for slot in slots]
        self._require(max(positions) + 1)
        rows = [(self._filled(slot), position) for slot, position in zip(slots, positions, strict=True)]

        def attend(layer: int, queries: torch.Tensor, keys_values: torch.Tensor) -> torch.Tensor:
            mixed = [
                _attend_row(cache[layer], position, queries[row], keys_values[row])
                for row, (cache, position) in enumerate(rows)
            ]
            return mixed[0] if len(mixed) == 1 else torch.cat(mixed)

        x = embeddings.to(self._device, copy=True)
        hidden = self._layers.run(x, self._layers.turns[positions], attend)
        for slot in slots:
            self._lengths[slot] += 1
        return hidden

    def _require(self, positions: int) -> None:
        if positions > self._positions:
            raise ModelError(f"the model has {self._positions} positions, {positions} were asked for")

    def _filled(self, slot: int) -> torch.Tensor:
        cache = self._caches[slot]
        if cache is None:
            raise ModelError(f"slot {slot} was stepped before it was prefilled")
        return cache

    def _fresh(self, slot: int) -> torch.Tensor:
        cache = self._caches[slot]
        if cache is None or self._lengths[slot] > _KEPT_POSITIONS:
            cache = self._caches[slot] = None  # frees the old memory before new is taken
            shape = self.shape
            sizes = (shape.layers, 2, shape.heads, self._positions, shape.head_size)
            cache = self._caches[slot] = torch.empty(sizes, device=self._device)
        return cache


def _attend_row(
    cache: torch.Tensor, position: int, queries: torch.Tensor, keys_values: torch.Tensor
) -> torch.Tensor:
    """Append to one layer's cache [2, heads, positions, head_size] and attend over it, [1, hidden]."""
    cache[:, :, position] = keys_values
    keys, values = cache[:, :, : position + 1]
    return scaled_dot_product_attention(queries[:, None], keys, values).view(1, -1)


def rope_table(shape: ModelShape) -> torch.Tensor:
    """Return e^(i * position * theta^(-2j / head_size)), complex64 [max_positions, 1, head_size / 2].

    Positions and angles are float32 whatever the weights are: bfloat16 has no odd number above 256.
    """
    exponents = torch.arange(0, shape.head_size, 2, dtype=torch.float32) / shape.head_size
    angles = torch.outer(torch.arange(shape.max_positions, dtype=torch.float32), shape.rope_theta**-exponents)
    return torch.polar(torch.ones_like(angles), angles)[:, None]


def _paired(qkv: torch.Tensor, shape: ModelShape) -> torch.Tensor:
    """Reorder q's and k's rows so that the two values that RoPE turns together lie side by side.

    The model pairs value i of a head with i + head_size / 2. q and k are reordered alike: no score changes.
    """
    q, k, v = qkv.view(3, shape.heads, 2, shape.head_size // 2, shape.hidden)
    return torch.cat(
        [part.transpose(1, 2).reshape(-1, shape.hidden) for part in (q, k)] + [v.reshape(-1, shape.hidden)]
    )
