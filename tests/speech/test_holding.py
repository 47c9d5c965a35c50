"""What waits for room: order, turns, and who loses what when too much is held."""

import pytest

from chatttsd.speech.holding import Holding


@pytest.fixture
def held() -> Holding[str]:
    return Holding()


def anybody(_client: str) -> bool:
    return True


def taken(held: Holding[str]) -> list[str]:
    items = []
    while (item := held.take(anybody)) is not None:
        items.append(item)
    return items


def test_one_clients_items_keep_their_order(held: Holding[str]) -> None:
    for item in ("a1", "a2", "a3"):
        held.put("a", item, 1)
    assert taken(held) == ["a1", "a2", "a3"]
    assert held.weight == 0
    assert "a" not in held


def test_clients_take_turns(held: Holding[str]) -> None:
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        held.put(item[0], item, 1)
    assert taken(held) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_who_is_not_ready_does_not_hold_up_the_others(held: Holding[str]) -> None:
    for item in ("a1", "b1"):
        held.put(item[0], item, 1)
    assert held.take(lambda client: client == "b") == "b1"
    assert held.take(lambda client: client == "b") is None
    assert "a" in held


def test_the_newest_of_the_heaviest_client_is_shed(held: Holding[str]) -> None:
    for item, weight in (("a1", 1), ("a2", 1), ("a3", 1), ("b1", 1), ("b2", 9)):
        held.put(item[0], item, weight)
    assert held.weight == 13
    assert [held.shed() for _ in range(3)] == ["b2", "a3", "a2"]
    assert held.weight == 2
    assert taken(held) == ["a1", "b1"]


def test_nothing_can_be_shed_of_nothing(held: Holding[str]) -> None:
    with pytest.raises(ValueError, match="empty"):
        held.shed()


def test_an_item_can_be_removed_and_what_is_not_held_does_no_harm() -> None:
    held: Holding[list[int]] = Holding()
    twin: list[int] = []
    other: list[int] = []
    held.put("a", twin, 2)
    held.put("a", other, 3)
    held.remove("a", other)
    held.remove("a", other)
    held.remove("b", twin)
    assert held.weight == 2
    assert held.take(anybody) is twin


def test_a_client_is_forgotten_whole_and_the_others_stay(held: Holding[str]) -> None:
    for item in ("a1", "b1", "a2"):
        held.put(item[0], item, 1)
    assert held.forget("a") == ["a1", "a2"]
    assert held.forget("a") == []
    assert held.weight == 1
    assert held.clear() == ["b1"]
    assert held.weight == 0
