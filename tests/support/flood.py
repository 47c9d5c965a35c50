"""A client that calls `Speak` as fast as the bus takes it: `python flood.py ADDRESS COUNT [--no-reply]`.

Prints one JSON line: how the calls were answered, by error name, and how long it took.
"""

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


def flood(address: str, count: int, *, no_reply: bool) -> dict[str, object]:
    """Send everything, read every answer; at most 60 s."""
    answers: Counter[str] = Counter()
    outstanding = 0 if no_reply else count
    with open_dbus_connection(address) as connection:
        connection.sock.setblocking(False)
        rest, parser = memoryview(calls(count, no_reply=no_reply)), Parser()
        began = time.monotonic()
        while (rest or outstanding) and time.monotonic() - began < 60:
            readable, writable, _ = select.select([connection.sock], [connection.sock] if rest else [], [], 1)
            if writable:
                rest = rest[connection.sock.send(rest[:_CHUNK]) :]
            if readable:
                parser.add_data(connection.sock.recv(_CHUNK))
                for message in iter(parser.get_next_message, None):
                    outstanding -= _count(message, answers)
        return {"seconds": time.monotonic() - began, "unanswered": outstanding, "answers": dict(answers)}


def _count(message: Message, answers: Counter[str]) -> int:
    if message.header.message_type is MessageType.method_return:
        answers["id"] += 1
    elif message.header.message_type is MessageType.error:
        answers[message.header.fields[4]] += 1
    else:
        return 0
    return 1


if __name__ == "__main__":
    print(json.dumps(flood(sys.argv[1], int(sys.argv[2]), no_reply="--no-reply" in sys.argv)))
