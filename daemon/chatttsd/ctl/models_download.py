"""Downloads one file: resumes what came before, compares the hash, and only then gives the file its name."""

import errno
import os
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chatttsd import __version__
from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.models_hub import reason, status_reason
from chatttsd.ctl.output import clean
from chatttsd.models.check import sha256
from chatttsd.models.fault import wrong_hash
from chatttsd.models.manifest import PART, ModelFile

Advance = Callable[[int], None]
"""Takes how many bytes of a file are there now."""

_CHUNK: Final = 1 << 18
"""Bytes of one read from the network."""
SILENCE: Final = 30.0
"""Seconds."""
_PARTIAL: Final = 206
_RANGE_IMPOSSIBLE: Final = 416
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AGAIN: Final = "what came is kept: the same command goes on from there"


class _CutError(Exception):
    """The connection ended too early; the message says how."""


class Download:
    """One file on its way to `target`; `size` is what the hub says, where it does.

    A connection counts as cut after `silence` seconds without a byte.
    """

    def __init__(
        self,
        url: str,
        target: Path,
        file: ModelFile,
        size: int | None,
        advance: Advance,
        silence: float = SILENCE,
    ) -> None:
        self._url = url
        self._target = target
        self._part = target.with_name(target.name + PART)
        self._file = file
        self._size = size
        self._advance = advance
        self._silence = silence

    def run(self) -> None:
        """Fetch, verify and put in place; raises CommandError with nothing half-done at the final path."""
        self._prepare()
        while self._size is None or self._have() < self._size:
            before = self._have()
            try:
                self._stream(before)
                break
            except _CutError as error:
                # As long as something comes, a connection that is cut is no reason to stop.
                if self._have() <= before:
                    raise CommandError(f"{self._url}: {error}; {_AGAIN}") from None
        self._finish()

    def _prepare(self) -> None:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if self._size is not None and self._have() > self._size:
                self._part.unlink()
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None

    def _have(self) -> int:
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    def _stream(self, start: int) -> None:
        with self._open(start) as response:
            resumed = response.status == _PARTIAL and _first_byte(response) == start
            if start and response.status == _PARTIAL and not resumed:
                raise CommandError(
                    f"{self._url}: the server sent another part of the file than was asked for"
                )
            left = response.length
            wanted = None if left is None else left + (start if resumed else 0)
            self._receive(response, "ab" if resumed else "wb")
        if wanted is not None and self._have() < wanted:
            raise _CutError(f"the connection was cut after {self._have()} of {wanted} bytes")

    def _open(self, start: int) -> HTTPResponse:
        headers = {"User-Agent": f"chatttsd/{__version__}", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        request = Request(self._url, headers=headers)  # noqa: S310 - Hub lets only http and https through
        try:
            response: HTTPResponse = urlopen(request, timeout=self._silence)  # noqa: S310 - likewise
        except HTTPError as error:
            error.close()
            if error.code == _RANGE_IMPOSSIBLE and start:
                return self._afresh()
            raise CommandError(f"{self._url}: {status_reason(error.code)}") from None
        except (URLError, TimeoutError) as error:
            cause = error.reason if isinstance(error, URLError) else error
            fault = reason(cause) if isinstance(cause, BaseException) else clean(cause)
            raise _CutError(fault) from None
        except (OSError, HTTPException) as error:
            raise _CutError(_told(error)) from None
        return response

    def _afresh(self) -> HTTPResponse:
        """Throw away what came before: the server has no such part."""
        self._part.unlink()
        return self._open(0)

    def _receive(self, response: HTTPResponse, mode: str) -> None:
        try:
            with self._part.open(mode, buffering=0) as stream:
                self._advance(stream.tell())
                while chunk := self._read(response):
                    if self._size is not None and stream.tell() + len(chunk) > self._size:
                        self._part.unlink()
                        raise CommandError(f"{self._url}: more came than the {self._size} bytes that it has")
                    rest = memoryview(chunk)
                    while rest:
                        rest = rest[stream.write(rest) :]
                    self._advance(stream.tell())
        except OSError as error:
            raise self._unwritable(error) from None

    def _read(self, response: HTTPResponse) -> bytes:
        try:
            return response.read1(_CHUNK)
        except TimeoutError:
            raise _CutError(f"nothing came for {self._silence:g} s") from None
        except (OSError, HTTPException) as error:
            raise _CutError(_told(error)) from None

    def _unwritable(self, error: OSError) -> CommandError:
        if error.errno in _FULL:
            return CommandError(f"{self._part}: {error.strerror}; {_AGAIN} when there is room")
        return CommandError(f"{self._part}: {error.strerror}")

    def _finish(self) -> None:
        try:
            with self._part.open("rb", buffering=0) as stream:
                found = sha256(stream, lambda _count: None)
                if found == self._file.sha256:
                    os.fsync(stream.fileno())
            if found == self._file.sha256:
                self._part.replace(self._target)
                return
            self._part.unlink()
        except OSError as error:
            raise self._unwritable(error) from None
        raise CommandError(
            f"{self._url}: {wrong_hash(found, self._file.sha256).detail}: "
            "this is not the file; it was thrown away"
        )


def _told(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, OSError) else ""
    return f"the connection was cut: {strerror or type(error).__name__}"


def _first_byte(response: HTTPResponse) -> int | None:
    """Return where a partial answer starts: `Content-Range: bytes FIRST-LAST/SIZE`."""
    _, _, span = (response.headers.get("Content-Range") or "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if first.isdecimal() else None
