"""A Spiel client on GIO, run by the system's Python (python3-gi): takes lines of JSON and answers so.

It is written from the documented stream format and shares nothing with the daemon. The stream is read as
libspeechprovider's reader does it: one read(2) for each field, whatever that returns.
"""

import base64
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any

from gi.repository import Gio, GLib  # the system's: not in the virtual environment

NAME = "org.chattts.Speech.Provider"
PATH = "/org/chattts/Speech/Provider"
INTERFACE = "org.freedesktop.Speech.Provider"
PROPERTIES = "org.freedesktop.DBus.Properties"
TIMEOUT_MS = 20_000
MOST_AT_ONCE = 200
KINDS = {1: "word", 2: "sentence", 3: "range", 4: "mark"}


class Stream:
    """The reading end of one request's pipe."""

    def __init__(self, fd: int, spiel: bool) -> None:
        self.fd = fd
        self.spiel = spiel
        self.header = b""
        self.pcm = b""
        self.events: list[tuple[str, int, int, str, int]] = []
        self.chunks: list[int] = []
        self.short = 0
        """How many reads returned less than the field they were for: libspiel would lose its place."""

    def read(self, size: int) -> bytes:
        data = os.read(self.fd, size) if size else b""
        self.short += 0 < len(data) < size
        return data

    def step(self) -> bool:
        """Read one chunk; False at the end."""
        if not self.spiel:
            data = os.read(self.fd, 65536)
            self.pcm += data
            return bool(data)
        if not self.header:
            self.header = self.read(4)
            return bool(self.header)
        kind = self.read(1)
        if not kind:
            return False
        if kind == b"\x01":
            (size,) = struct.unpack("=I", self.read(4))
            self.chunks.append(size)
            self.pcm += self.read(size)
            return True
        assert kind == b"\x02", f"chunk type {kind!r}"
        event, start, end, length = struct.unpack("=BIII", self.read(13))
        self.events.append((KINDS[event], start, end, self.read(length).decode(), len(self.pcm) // 2))
        return True

    def result(self) -> dict[str, Any]:
        return {
            "header": self.header.decode(),
            "pcm": base64.b64encode(self.pcm).decode(),
            "events": self.events,
            "chunks": self.chunks,
            "short": self.short,
        }


class SpielClient:
    """Does what a line asks for."""

    def __init__(self, address: str) -> None:
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.streams: dict[int, Stream] = {}
        self.changed: list[Any] = []
        self.bus.signal_subscribe(
            None, PROPERTIES, "PropertiesChanged", PATH, None, Gio.DBusSignalFlags.NONE, self._on_changed
        )
        self.name()  # the answer shows that the bus has the subscription

    def _on_changed(self, *arguments: Any) -> None:  # noqa: ANN401 - a signal's
        self.changed.append(arguments[5].unpack())

    def call(self, interface: str, member: str, arguments: Any, fds: Any = None) -> Any:  # noqa: ANN401 - GLib's
        return self.bus.call_with_unix_fd_list_sync(
            NAME, PATH, interface, member, arguments, None, Gio.DBusCallFlags.NONE, TIMEOUT_MS, fds, None
        )[0]

    def property(self, name: str) -> Any:  # noqa: ANN401 - of any type
        return self.call(PROPERTIES, "Get", GLib.Variant("(ss)", (INTERFACE, name))).unpack()[0]

    def name(self) -> str:
        return str(self.property("Name"))

    def voices(self) -> Any:  # noqa: ANN401 - a list of rows
        return self.property("Voices")

    def wait_changed(self) -> Any:  # noqa: ANN401 - a signal's arguments
        while not self.changed:
            GLib.MainContext.default().iteration(True)
        return self.changed.pop(0)

    def synthesize(self, fd: int, text: str, options: dict[str, Any]) -> None:
        fds = Gio.UnixFDList.new()
        arguments = GLib.Variant(
            "(hssddbs)",
            (
                fds.append(fd),
                text,
                options.get("voice", ""),
                options.get("pitch", 1.0),
                options.get("rate", 1.0),
                options.get("ssml", False),
                options.get("language", ""),
            ),
        )
        reply = self.call(INTERFACE, "Synthesize", arguments, fds)
        assert reply.get_type_string() == "()"

    def begin(self, text: str, **options: Any) -> int:  # noqa: ANN401 - JSON
        reader, writer = os.pipe()
        try:
            self.synthesize(writer, text, options)
        except GLib.Error:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self.streams[reader] = Stream(reader, not options.get("voice", "").endswith("#raw"))
        return reader

    def step(self, stream: int, pcm: int) -> dict[str, Any]:
        """Read until there are so many bytes of samples, or the end."""
        one = self.streams[stream]
        while len(one.pcm) < pcm and one.step():
            pass
        return one.result()

    def finish(self, stream: int) -> dict[str, Any]:
        """Read to the end, and close."""
        one = self.streams[stream]
        while one.step():
            pass
        self.close(stream)
        return one.result()

    def close(self, stream: int) -> None:
        os.close(stream)
        del self.streams[stream]

    def into_file(self, path: str, text: str, **options: Any) -> None:  # noqa: ANN401 - JSON
        """Give a descriptor of whatever the path names: a file, or a folder (for reading only)."""
        flags = os.O_RDONLY if os.path.isdir(path) else os.O_WRONLY | os.O_CREAT  # noqa: PTH112 - a script
        fd = os.open(path, flags, 0o600)
        try:
            self.synthesize(fd, text, options)
        finally:
            os.close(fd)

    def into_reading_end(self, text: str) -> None:
        """Give the wrong end of a pipe."""
        reader, writer = os.pipe()
        os.close(writer)
        try:
            self.synthesize(reader, text, {})
        finally:
            os.close(reader)

    def without_descriptor(self, text: str) -> None:
        """Name a descriptor and send none."""
        arguments = GLib.Variant("(hssddbs)", (0, text, "", 1.0, 1.0, False, ""))
        self.call(INTERFACE, "Synthesize", arguments)

    def flood(self, calls: int, text: str, keep: bool = False) -> dict[str, int]:
        """Send so many requests without waiting for replies; returns how often each answer came.

        The reading ends are closed at once, or kept open and never read.
        """
        answers: dict[str, int] = {}

        def done(bus: Any, result: Any) -> None:  # noqa: ANN401 - GLib's
            try:
                bus.call_with_unix_fd_list_finish(result)
                answer = "ok"
            except GLib.Error as error:
                answer = Gio.DBusError.get_remote_error(error) or error.message
            answers[answer] = answers.get(answer, 0) + 1

        for begun in range(calls):
            # A descriptor lives until the bus has its message: not all at once.
            while begun - sum(answers.values()) >= MOST_AT_ONCE:
                GLib.MainContext.default().iteration(True)
            reader, writer = os.pipe()
            fds = Gio.UnixFDList.new()
            arguments = GLib.Variant("(hssddbs)", (fds.append(writer), text, "", 1.0, 1.0, False, ""))
            self.bus.call_with_unix_fd_list(
                NAME, PATH, INTERFACE, "Synthesize", arguments, None, Gio.DBusCallFlags.NONE, TIMEOUT_MS, fds,
                None, done,
            )  # fmt: skip
            if not keep:
                os.close(reader)
            os.close(writer)
        while sum(answers.values()) < calls:
            GLib.MainContext.default().iteration(True)
        return answers


def answer(function: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": function(**request)}
    except GLib.Error as error:
        name = Gio.DBusError.get_remote_error(error) or ""
        return {"error": name, "message": error.message.removeprefix(f"GDBus.Error:{name}: ")}


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    client = SpielClient(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(answer(getattr(client, request.pop("do")), request)), flush=True)


if __name__ == "__main__":
    main()
