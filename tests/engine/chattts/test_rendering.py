"""The vocoder's thread: when it works, and what the decoder hears of that."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.rendering import VocoderThread
from support.scripted_decoder import WIDTH, ScriptedStream


@pytest.mark.parametrize("fails", [False, True])
def test_a_core_is_asked_for_while_the_vocoder_works_and_only_then(fails: bool) -> None:
    needed: list[int] = []
    during: list[int] = []

    class Watching(ScriptedStream):
        def push(self, hidden: torch.Tensor) -> NDArray[np.float32]:
            during.append(needed[-1])
            if fails:
                raise RuntimeError
            return super().push(hidden)

    thread = VocoderThread(Watching, need_cores=needed.append)
    rendering = thread.open()
    rendering.push(torch.zeros(20, WIDTH))
    rendering.close()
    thread.close()
    assert during == [1] * (1 if fails else 3)
    assert (needed[0], needed[-1]) == (1, 0)


def test_the_vocoders_thread_is_woken_for_whole_chunks_only() -> None:
    pushed: list[int] = []

    class Watching(ScriptedStream):
        def push(self, hidden: torch.Tensor) -> NDArray[np.float32]:
            pushed.append(len(hidden))
            return super().push(hidden)

    thread = VocoderThread(Watching)
    rendering = thread.open()
    for _ in range(3):
        rendering.push(torch.zeros(1, WIDTH))
    rendering.push(torch.zeros(0, WIDTH))
    rendering.push(torch.zeros(15, WIDTH))
    rendering.push(torch.zeros(1, WIDTH))
    rendering.close()
    thread.close()
    assert [size for size in pushed if size] == [8, 8, 3]
