"""The stages over a sound that still grows: every stage keeps what it needs of the past, nothing else.

A stage's output is exact once its input is known far enough ahead. Until then it is made as if the sound
ended there, and made again when more is known. After `settle` frames of known future an output is taken for
final, which bounds what is made twice: a chunk costs its own length and `settle` frames, however long the
sound is. The past is kept, where a window with a left context would guess it and make it again.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from chatttsd.engine.chattts.vocoder.layers import Stage


class Cascade:
    """One sound on its way through the stages; used from one thread."""

    def __init__(self, stages: Sequence[Stage], settle: int, like: Tensor) -> None:
        self._states: list[_StageState] = []
        reach = 0
        for stage in stages:
            reach += stage.pad
            self._states.append(_StageState(stage, min(reach, settle), like))
        self.frames = 0
        """Input frames so far."""
        self.settled = 0
        """Output frames that are final."""

    def advance(self, rows: Tensor, *, last: bool) -> Tensor:
        """Take new input frames [n, width]; returns the output frames from the old `settled` on."""
        self.frames += len(rows)
        settled = self.frames
        for state in self._states:
            rows, settled = state.advance(rows, settled, self.frames, last=last)
        self.settled = settled
        return rows


class _StageState:
    """`held`: the input frames from `pad` before the first output that is not final to the last final one."""

    def __init__(self, stage: Stage, lag: int, like: Tensor) -> None:
        self._stage, self._lag = stage, lag
        self._settled = 0
        self._held = like.new_zeros(stage.pad, stage.width)

    def advance(self, fresh: Tensor, settled: int, frames: int, *, last: bool) -> tuple[Tensor, int]:
        """Take the input frames that are new or were not final; `settled` of all `frames` are so now."""
        after = fresh.new_zeros(self._stage.pad, self._stage.width)
        window = torch.cat((self._held, fresh, after))
        done = frames if last else max(0, frames - self._lag)
        made = self._stage(window)
        self._held = window[done - self._settled : settled - self._settled + self._stage.pad].clone()
        self._settled = done
        return made, done
