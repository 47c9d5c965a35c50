"""A backbone that stops between two prompts: filling four of them takes longer than a cancel may."""

from collections.abc import Sequence

import torch

from chatttsd.engine.api import Cancelled
from chatttsd.engine.chattts.api import Backbone
from chatttsd.engine.chattts.delivery import CancelledError


class Interruptible:
    """Passes everything on, but raises CancelledError instead of filling a prompt nobody wants any more."""

    def __init__(self, backbone: Backbone, cancelled: Cancelled) -> None:
        self.shape = backbone.shape
        self.cancelled = cancelled
        """Asked before every prompt; set anew for every request."""
        self._backbone = backbone

    def prefill(self, slot: int, embeddings: torch.Tensor) -> torch.Tensor:
        """See `Backbone`; raises CancelledError."""
        if self.cancelled():
            raise CancelledError
        return self._backbone.prefill(slot, embeddings)

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        """See `Backbone`."""
        return self._backbone.step(slots, embeddings)
