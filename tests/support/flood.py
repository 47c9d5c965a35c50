"""A client that calls `Speak` as fast as the bus takes it.

Run: `python flood.py ADDRESS COUNT [--window N] [--no-reply]`.

Prints one JSON line: how the calls were answered, by error name, and when it began and ended.
"""

import argparse
import json
import select
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from jeepney import DBusAddress, Message, MessageFlag, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.low_level import Parser

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH

_FIRST_SERIAL = 10
_CHUNK = 1 << 16


def calls(count: int, *, no_reply: bool) -> bytes:
    """Return `count` serialised calls of Speak."""
    message = new_method_call(DBusAddress(OBJECT_PATH, BUS_NAME, INTERFACE), "Speak", "s", ("hello",))
    if no_reply:
        message.header.flags |= MessageFlag.no_reply_expected
    return b"".join(message.serialise(serial=_FIRST_SERIAL + number) for number in range(count))


class Flood:
    """Sends `count` calls, at most `window` of them unanswered at a time (0: all at once)."""

    def __init__(self, address: str, count: int, window: int, *, no_reply: bool) -> None:
        self._connection = open_dbus_connection(address)
        self._connection.sock.setblocking(False)
        self._rest = memoryview(calls(count, no_reply=no_reply))
        self._call_bytes = len(self._rest) // count
        self._window = window or count
        self._outstanding = 0 if no_reply else count
        self._answered = 0
        self._answers: Counter[str] = Counter()
        self._parser = Parser()
        self._sent = 0

    def run(self) -> dict[str, object]:
        """Send everything and read every answer, for at most 60 s."""
        began = time.monotonic()
        while (self._rest or self._outstanding) and time.monotonic() - began < 60:
            self._turn()
        self._connection.close()
        answers = dict(self._answers)
        return {
            "began": began,
            "ended": time.monotonic(),
            "unanswered": self._outstanding,
            "answers": answers,
        }

    def _turn(self) -> None:
        sock = self._connection.sock
        room = min((self._answered + self._window) * self._call_bytes - self._sent, _CHUNK, len(self._rest))
        readable, writable, _ = select.select([sock], [sock] if room > 0 else [], [], 1)
        if writable:
            sent = sock.send(self._rest[:room])
            self._rest = self._rest[sent:]
            self._sent += sent
        if readable:
            self._parser.add_data(sock.recv(_CHUNK))
            for message in iter(self._parser.get_next_message, None):
                self._count(message)

    def _count(self, message: Message) -> None:
        kind = message.header.message_type
        if kind in (MessageType.method_return, MessageType.error):
            self._answers[message.header.fields.get(4, "id")] += 1
            self._outstanding -= 1
            self._answered += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("count", type=int)
    parser.add_argument("--window", type=int, default=0)
    parser.add_argument("--no-reply", action="store_true")
    options = parser.parse_args()
    print(json.dumps(Flood(options.address, options.count, options.window, no_reply=options.no_reply).run()))
