import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from chatttsd.engine.chattts.vocoder.cascade import Cascade
from chatttsd.engine.chattts.vocoder.layers import run_whole

WIDTH = 2


class Sum:
    """Each row becomes the sum of its neighbours."""

    width = WIDTH

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Tensor) -> Tensor:
        return rows.unfold(0, 2 * self.pad + 1, 1).sum(-1)


def rows(count: int) -> Tensor:
    return torch.randint(-9, 9, (count, WIDTH), generator=torch.Generator().manual_seed(count)).double()


def advanced(stages: list[Sum], settle: int, pieces: list[Tensor]) -> tuple[Tensor, int]:
    """Return what is final in the end, and the most rows that came out at once."""
    cascade = Cascade(stages, settle, torch.zeros(0).double())
    known = torch.zeros(0, WIDTH).double()
    most = 0
    for place, piece in enumerate(pieces):
        start = cascade.settled
        made = cascade.advance(piece, last=place == len(pieces) - 1)
        most = max(most, len(made))
        known = torch.cat((known[:start], made))
    assert cascade.settled == cascade.frames == len(known)
    return known, most


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.lists(st.integers(0, 9), max_size=8))
def test_any_pieces_give_what_the_whole_gives_when_all_is_known_before_it_is_kept(
    pads: list[int], sizes: list[int]
) -> None:
    stages, sizes = [Sum(pad) for pad in pads], [1, *sizes]
    whole = rows(sum(sizes))

    found, _ = advanced(stages, sum(pads), list(torch.split(whole, sizes)))

    assert torch.equal(found, run_whole(stages, whole))


def test_what_is_made_again_is_no_longer_than_what_settles() -> None:
    stages, pieces = [Sum(3), Sum(3), Sum(3)], list(torch.split(rows(200), 10))

    _, most = advanced(stages, 4, pieces)

    assert most == 10 + 4


def test_an_early_settling_is_wrong_near_the_cuts_only() -> None:
    stages, whole = [Sum(3), Sum(3)], rows(60)
    expected = run_whole(stages, whole)

    found, _ = advanced(stages, 4, list(torch.split(whole, 30)))

    wrong = (found != expected).any(1).nonzero().flatten()
    assert len(wrong)
    assert wrong.min() >= 30 - 4 - 6
    assert wrong.max() <= 30 + 6


@pytest.mark.parametrize("length", [20, 400])
def test_what_is_kept_does_not_grow_with_the_sound(length: int) -> None:
    cascade = Cascade([Sum(3), Sum(2)], 4, torch.zeros(0).double())
    for piece in torch.split(rows(length), 10):
        cascade.advance(piece, last=False)

    held = [state._held for state in cascade._states]
    assert sum(len(each) for each in held) <= 2 * (4 + 3)
    assert all(each.untyped_storage().nbytes() == each.nbytes for each in held)
