"""The vocoder: hidden states to samples, whole, or piece by piece as one `Segment`."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chatttsd.engine.chattts.vocoder.cascade import Cascade
from chatttsd.engine.chattts.vocoder.layers import Linear, MakeLinear
from chatttsd.engine.chattts.vocoder.network import Network, Placement, load_network
from chatttsd.engine.chattts.vocoder.spectrum import AFTER, BEFORE, Synthesis, silent_frames
from chatttsd.models.layout import HIDDEN

FRAMES_PER_TOKEN: Final = 2
"""A hidden state holds its two mel frames one after the other."""
_EVERYTHING: Final = 1 << 30
"""More frames than any stage looks ahead."""


class Vocoder:
    """Decoder and Vocos of a model's folder; one thread at a time. ModelError names what is wrong in a file.

    `dtype` is the type of the matrix products, everything else is float32. On a CPU without AMX bfloat16 is
    slower than float32 (tests/bench/vocoder.py). `make_linear` makes the products, `Linear` unless given.
    """

    def __init__(
        self,
        directory: Path,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        make_linear: MakeLinear = Linear,
    ) -> None:
        self.device = torch.device(device)
        self._network = load_network(directory, Placement(self.device, dtype, make_linear))

    def decode(self, hidden: Tensor) -> NDArray[np.float32]:
        """Return the samples [(2n - 1) * 256] of hidden states [n, 768], none for n = 0; NaN stays NaN."""
        whole = self.segment(_EVERYTHING)
        return whole.advance(hidden, 0, last=True).cpu().numpy()

    def segment(self, settle: int) -> "Segment":
        """Return the state of a sound whose frames are final `settle` mel frames after them."""
        return Segment(self._network, settle, self.device)


class Segment:
    """A sound that grows. `made` hops (256 samples each) have been returned as final so far."""

    def __init__(self, network: Network, settle: int, device: torch.device) -> None:
        self._cascade = Cascade(network.stages, settle, network.window)
        self._synthesis = Synthesis(network.window)
        self._head, self._device = network.head, device
        self._frames = silent_frames(BEFORE, network.window)
        self.made = 0

    @torch.inference_mode()
    def advance(self, hidden: Tensor, ahead: int, *, last: bool, more: int = 0) -> Tensor:
        """Take hidden states [n, 768]; returns the hops from `made` on that have `ahead` frames after them.

        `made` moves to the end of these; `more` hops (`ahead - 2` at most) that come next are returned too
        and will be made again. `last`: nothing comes after these states, and all that is left is returned.
        """
        if hidden.ndim != 2 or hidden.shape[1] != HIDDEN:
            raise ValueError(f"hidden states of shape {list(hidden.shape)}, allowed is [n, {HIDDEN}]")
        start = self._cascade.settled
        rows = hidden.to(self._device, torch.float32).reshape(-1, HIDDEN // FRAMES_PER_TOKEN)
        if not self._cascade.frames + len(rows):
            return rows.new_zeros(0)
        rows = self._cascade.advance(rows, last=last)
        frames = self._with_held(rows, start, last=last)
        first, self.made = self.made, self._cascade.frames - (1 if last else ahead)
        count = self.made + more - first
        samples = self._synthesis.hops(frames[: count + BEFORE + AFTER], first=first == 0, last=last)
        self._frames = frames[self.made - first : max(0, self._cascade.settled - first + BEFORE)].clone()
        return samples

    def _with_held(self, rows: Tensor, start: int, *, last: bool) -> Tensor:
        """Return the frames from `BEFORE` before hop `made` on; `rows` begin at frame `start`."""
        first = self.made - BEFORE + len(self._frames)
        frames = self._synthesis.frames(self._head(rows[first - start :]))
        after = silent_frames(AFTER - 1 if last else 0, frames)
        return torch.cat((self._frames, frames, after))
