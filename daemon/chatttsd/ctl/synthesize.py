"""`chatttsctl speak -o`: the daemon writes samples into a pipe, this end makes a sound file of them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.ctl import guard, output, session
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.sink import FileSink, Sink, StreamSink, format_of, refuse_special
from chatttsd.ctl.speak import Request, report, wait

_BLOCK: Final = 65_536


def save(request: Request, destination: str) -> int:
    """Synthesise into a file, or with `-` as WAV to standard output; returns the exit code."""
    _check(request, destination)
    return session.run(lambda: _synthesize(request, destination))


def _check(request: Request, destination: str) -> None:
    """Find every fault of the command line before anything is started."""
    if destination != "-":
        format_of(Path(destination))
        refuse_special(Path(destination))
        if request.options.get("container", "raw") != "raw":
            raise CommandError(
                "option 'container' goes only with -o -: a file has its own format", Exit.USAGE
            )
    elif sys.stdout.isatty():
        raise CommandError("-o - writes WAV: standard output must be a file or a pipe", Exit.USAGE)
    elif request.json:
        raise CommandError("--json and -o - both want standard output", Exit.USAGE)


async def _synthesize(request: Request, destination: str) -> int:
    async with connect(request.target, request.timeout) as speech:
        await guard.require(speech, request.target, start=True)
        with StreamSink(sys.stdout.buffer) if destination == "-" else FileSink(Path(destination)) as sink:
            chosen = {"container": sink.container, **request.options}
            try:
                async with asyncio.timeout(request.timeout):
                    number, outcome = await _receive(speech, request, chosen, sink)
            except TimeoutError:
                raise CommandError(f"not done after {request.timeout:g} s: cancelled") from None
            if outcome == "finished":
                sink.commit()
        return await report(speech, number, outcome, request.json)


async def _receive(speech: Speech, request: Request, chosen: dict[str, str], sink: Sink) -> tuple[int, str]:
    indicator = output.Indicator(sys.stderr, not request.quiet)
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    try:
        async with _reader(read_end) as reader:
            try:
                body = [0, request.text, chosen]
                number = int(await speech.call("Synthesize", "hsa{ss}", body, fds=[write_end], start=True))
            finally:
                # Only the daemon's copy may keep the pipe open, else its end would never be seen.
                os.close(write_end)
            await _pass_on(reader, sink, indicator)
        return number, await wait(speech, number, None)
    finally:
        indicator.clear()


async def _pass_on(reader: asyncio.StreamReader, sink: Sink, indicator: output.Indicator) -> None:
    total = 0
    while data := await reader.read(_BLOCK):
        sink.write(data)
        total += len(data)
        indicator.show(f"{total / SAMPLE_BYTES / SAMPLE_RATE:.1f} s of sound")


@asynccontextmanager
async def _reader(fd: int) -> AsyncIterator[asyncio.StreamReader]:
    """Read a pipe; leaving closes it, which tells the daemon to stop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_BLOCK)
    stream = os.fdopen(fd, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    try:
        yield reader
    finally:
        transport.close()
