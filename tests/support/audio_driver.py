"""Runs a PortAudioOutput in a process of its own: a JSON command a line on stdin, replies on stdout.

A process each test, because PortAudio reads the ALSA and PulseAudio environment once, and some tests hang it.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from chatttsd.audio.api import AudioSettings, AudioUnavailableError
from chatttsd.audio.output import PortAudioOutput
from support.ramp import ramp


class Driver:
    """Carries out the commands; every public coroutine is one."""

    def __init__(self, settings: AudioSettings) -> None:
        self._flushes = 0
        self._output = PortAudioOutput(
            settings,
            on_reason=lambda reason: tell(event="reason", reason=reason),
            on_underrun=lambda: tell(event="underrun"),
            clock=time.monotonic,
        )

    async def open(self, *, echo: bool = False) -> None:
        await self._output.open(echo=echo)

    async def xrun(self) -> None:
        """Count one, as if the device had said that sound came too late."""
        self._output._keeper.feed.xruns += 1

    async def probe(self) -> str:
        await self._output.probe()
        return self._output.reason

    async def write(self, start: int, count: int, block: int = 480, pace: float = 0.0) -> None:
        """Write ramp samples in blocks until `flush`; a `pace` of 2 takes twice as long as the sound."""
        flushes = self._flushes
        for at in range(start, start + count, block):
            size = min(block, start + count - at)
            await asyncio.sleep(pace * size / 24_000)
            if flushes != self._flushes:
                return
            await self._output.write(ramp(at, size))

    async def mark(self, name: str) -> None:
        self._output.mark(lambda: tell(event="heard", name=name))

    async def flush(self) -> None:
        self._flushes += 1
        self._output.flush()

    async def pause(self) -> None:
        self._output.pause()

    async def resume(self) -> None:
        self._output.resume()

    async def release(self) -> None:
        self._output.release()

    async def drain(self) -> None:
        await self._output.drain()

    async def close(self) -> None:
        await self._output.close()

    async def wait_idle(self) -> None:
        """Wait until the device is given back."""
        task = self._output._keeper._task
        if task is not None:
            await task

    async def kill_before_start(self, pid: int) -> None:
        """Arrange that this process (the sound server) dies between opening and starting a stream."""
        portaudio = self._output._keeper._portaudio
        make = portaudio._make

        def make_and_kill(*arguments: Any) -> Any:  # noqa: ANN401  # sounddevice has no types
            stream = make(*arguments)
            if self._output._keeper._works:
                os.kill(pid, signal.SIGKILL)
                time.sleep(0.1)
                portaudio._make = make  # type: ignore[method-assign]  # puts the real one back
            return stream

        portaudio._make = make_and_kill  # type: ignore[assignment,method-assign]  # the fault cannot be timed otherwise

    async def look(self) -> dict[str, Any]:
        """Return what a test may want to know about the process and the output."""
        statistics = self._output.statistics
        task = self._output._keeper._task
        return {
            "reason": self._output.reason,
            "queued": self._output._ring.level,
            "latency_ms": self._output._keeper._latency_ms,
            "statistics": {name: getattr(statistics, name) for name in statistics.__slots__},
            "holds_device": task is not None and not task.done(),
            "numpy": "numpy" in sys.modules,
            "sounddevice": "sounddevice" in sys.modules,
            "descriptors": count("/proc/self/fd"),
            "threads": count("/proc/self/task"),
            "rss": resident(),
        }


def count(folder: str) -> int:
    """Return how many entries a folder has."""
    return len(list(Path(folder).iterdir()))


def resident() -> int:
    """Return this process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def tell(**what: object) -> None:
    """Send one line with the time at which it was sent."""
    sys.stdout.write(json.dumps(what | {"at": time.monotonic()}) + "\n")
    sys.stdout.flush()


async def carry_out(driver: Driver, command: dict[str, Any]) -> None:
    """Run one command and send its result or its error."""
    number, name = command.pop("id"), command.pop("do")
    try:
        result = await getattr(driver, name)(**command)
    except AudioUnavailableError as error:
        tell(id=number, unavailable=str(error))
    except Exception as error:
        tell(id=number, unavailable=f"{error!r} in the driver")
        raise
    else:
        tell(id=number, result=result)


async def main() -> None:
    """Obey until stdin ends."""
    driver = Driver(AudioSettings(**json.loads(sys.argv[1])))
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    tasks = set()
    while line := await stdin.readline():
        task = loop.create_task(carry_out(driver, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await driver.close()
    tell(event="closed")


if __name__ == "__main__":
    asyncio.run(main())
