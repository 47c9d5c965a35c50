"""What a test waits for in a recording, without holding up its event loop."""

import asyncio

from support.pulse import Recorder, wait_for


async def until_heard(recorder: Recorder, start: int = 0) -> float:
    """Wait for sound after the sample `start` and return when it reached the recorder."""
    await asyncio.to_thread(wait_for, lambda: bool(recorder.sounding(start)), "sound in the recording")
    first = next(index for index, value in enumerate(recorder.samples(start)) if value)
    return recorder.arrived(start + first)


async def until_heard_for(recorder: Recorder, samples: int) -> None:
    """Wait until so many samples that are not zero were recorded."""
    await asyncio.to_thread(
        wait_for, lambda: len(recorder.sounding()) > samples, "more sound in the recording"
    )


async def until_silent(recorder: Recorder) -> None:
    """Wait until a tenth of a second of silence was recorded."""
    await asyncio.to_thread(wait_for, lambda: recorder.silent_for(0.1), "silence in the recording")
