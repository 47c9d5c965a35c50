"""PropertiesChanged is sent for what changed, once a turn of the loop."""

import asyncio
from typing import Any

from chatttsd.bus.notifier import PropertyNotifier


def notifier(values: dict[str, Any]) -> tuple[PropertyNotifier, list[tuple[str, ...]]]:
    sent: list[tuple[str, ...]] = []
    made = PropertyNotifier(values.__getitem__, lambda *names: sent.append(names))
    made.start_from(*values)
    return made, sent


async def test_changes_of_one_turn_are_sent_together() -> None:
    values = {"State": "idle", "Current": 0}
    made, sent = notifier(values)
    values |= {"State": "speaking", "Current": 1}
    made.touch("State")
    made.touch("Current", "State")
    assert sent == []
    await asyncio.sleep(0)
    assert sent == [("State", "Current")]


async def test_what_did_not_change_is_not_sent() -> None:
    values = {"State": "idle", "Current": 0}
    made, sent = notifier(values)
    made.touch("State", "Current")
    await asyncio.sleep(0)
    assert sent == []
    values["Current"] = 5
    made.touch("State", "Current")
    await asyncio.sleep(0)
    assert sent == [("Current",)]


async def test_a_change_and_back_within_a_turn_is_no_change() -> None:
    values = {"State": "idle"}
    made, sent = notifier(values)
    values["State"] = "speaking"
    made.touch("State")
    values["State"] = "idle"
    await asyncio.sleep(0)
    assert sent == []
