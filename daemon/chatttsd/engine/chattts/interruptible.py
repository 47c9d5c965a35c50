"""A backbone that stops while it fills prompts: four, or a long one, take longer than a cancel may."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch

from chatttsd.engine.api import Cancelled
from chatttsd.engine.chattts.api import Backbone, look_at_nothing
from chatttsd.engine.chattts.delivery import CancelledError


@runtime_checkable
class LeavesCores(Protocol):
    """A backbone whose threads make room for others."""

    def leave_cores(self, count: int) -> None:
        """Leave so many cores to other threads of this process from now on; called from any thread."""


class Interruptible:
    """Passes everything on, but raises CancelledError instead of filling prompts nobody wants any more."""

    def __init__(self, backbone: Backbone, cancelled: Cancelled) -> None:
        self.shape = backbone.shape
        self.cancelled = cancelled
        """Asked before every prompt and within each; set anew for every request."""
        self._backbone = backbone

    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        """See `Backbone`; raises CancelledError."""

        def look_at_flag() -> None:
            look()
            if self.cancelled():
                raise CancelledError

        look_at_flag()
        return self._backbone.prefill(slot, embeddings, look_at_flag)

    def leave_cores(self, count: int) -> None:
        """See `LeavesCores`; nothing where the backbone does not."""
        if isinstance(self._backbone, LeavesCores):
            self._backbone.leave_cores(count)

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        """See `Backbone`."""
        return self._backbone.step(slots, embeddings)
