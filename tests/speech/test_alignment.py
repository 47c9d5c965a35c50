"""Said characters are found where they stood, whatever was left out between them."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.alignment import positions
from chatttsd.speech.sanitise import sanitise, spoken

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY = st.text(st.characters(exclude_categories=()), max_size=60)
TRICKY = st.text(st.sampled_from("aé好3 .\r\n\u2028\u200d\u00ad\u2060[]［=!-_👍🏽🇩\u0301\ud800"), max_size=60)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", [0]),
        ("ab", [0, 1, 2]),
        ("  a  b \n", [2, 3, 5, 6]),
        ("a\n\n[b]", [0, 1, 3, 4, 5, 6]),
        ("soft\u00adware", [0, 1, 2, 3, 5, 6, 7, 8, 9]),
        ("a ====== b", [0, 1, 2, 8, 9, 10]),
        ("a\x00b", [0, 1, 2, 3]),
        ("a!!!!!!!!!b", [0, 1, 2, 3, 10, 11]),
        ("你好  。世界", [0, 1, 2, 4, 5, 6, 7]),
    ],
)
def test_positions_of_what_is_spoken(source: str, expected: list[int]) -> None:
    assert positions(source, spoken(sanitise(source))) == expected


@UNHURRIED
@given(ANY | TRICKY)
def test_every_spoken_character_is_found(source: str) -> None:
    clean = sanitise(source)
    said = spoken(clean)
    places = positions(source, said)
    assert len(places) == len(said) + 1
    for character, place in zip(said, places, strict=False):
        assert clean[place] == character or (character == " " and clean[place].isspace())
    assert all(first < second for first, second in pairwise(places))
    assert places[-1] <= len(source)


@UNHURRIED
@given(ANY, ANY)
def test_anything_else_stays_in_bounds_and_rises(source: str, said: str) -> None:
    places = positions(source, said)
    assert len(places) == len(said) + 1
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= len(source)


def test_what_is_nowhere_does_not_move_the_rest() -> None:
    assert positions("abc", "axbyc") == [0, 1, 1, 2, 2, 3]
