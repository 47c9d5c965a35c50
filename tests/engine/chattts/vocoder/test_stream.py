from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.engine.chattts.vocoder.difference import synthetic_hidden
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder, StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder

SHORT = StreamSettings(lookahead=2, settle=2, chunks=(1, 2, 3), crossfade=100)
few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pushed(
    vocoder: Vocoder, hidden: torch.Tensor, sizes: Sequence[int], with_settings: StreamSettings
) -> NDArray[np.float32]:
    stream = StreamingVocoder(vocoder, with_settings)
    return np.concatenate(
        [*(stream.push(piece) for piece in torch.split(hidden, list(sizes))), stream.finish()]
    )


@few
@given(st.lists(st.integers(0, 13), max_size=9), st.sampled_from([SHORT, StreamSettings()]))
def test_any_pieces_give_the_same_samples_and_exactly_all_of_them(
    vocoder: Vocoder, sizes: list[int], with_settings: StreamSettings
) -> None:
    count = sum(sizes)
    hidden = synthetic_hidden("walk", count)

    in_pieces = pushed(vocoder, hidden, sizes, with_settings)
    one_by_one = pushed(vocoder, hidden, [1] * count or [0], with_settings)

    assert in_pieces.dtype == np.float32
    assert in_pieces.shape == ((2 * count - 1) * 256 if count else 0,)
    assert np.array_equal(in_pieces, one_by_one)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_tokens_are_what_one_decode_makes_of_them(vocoder: Vocoder, count: int) -> None:
    hidden = synthetic_hidden("random", count)

    assert np.array_equal(pushed(vocoder, hidden, [count], StreamSettings()), vocoder.decode(hidden))


def test_an_end_at_a_boundary_leaves_the_lookahead(vocoder: Vocoder) -> None:
    stream = StreamingVocoder(vocoder, StreamSettings())
    hidden = synthetic_hidden("random", 20)

    ready, rest = stream.push(hidden), stream.finish()

    assert len(ready) == 12 * 512
    assert len(rest) == 8 * 512 - 256


def test_the_first_sound_comes_after_the_first_chunk_and_its_lookahead(vocoder: Vocoder) -> None:
    stream = StreamingVocoder(vocoder, StreamSettings(lookahead=3, settle=3, chunks=(5, 7)))
    hidden = synthetic_hidden("random", 16)

    lengths = [len(stream.push(token)) for token in torch.split(hidden, 1)]

    assert [place + 1 for place, length in enumerate(lengths) if length] == [8, 15]
    assert [length for length in lengths if length] == [5 * 512, 7 * 512]


def test_with_all_that_can_be_heard_as_lookahead_the_stream_is_one_decode(vocoder: Vocoder) -> None:
    exact = StreamSettings(lookahead=52, settle=52, chunks=(10,), crossfade=192)
    hidden = synthetic_hidden("random", 100)

    whole = vocoder.decode(hidden)

    assert np.allclose(pushed(vocoder, hidden, [100], exact), whole, atol=1e-6 * float(np.abs(whole).max()))


@pytest.mark.parametrize("kind", ["random", "sines", "walk"])
def test_the_stream_is_near_one_decode(vocoder: Vocoder, kind: str) -> None:
    hidden = synthetic_hidden(kind, 90)
    whole = vocoder.decode(hidden)

    error = pushed(vocoder, hidden, [90], StreamSettings()) - whole

    assert np.square(error).sum() < 1e-4 * np.square(whole).sum()


def test_a_join_goes_over_from_the_older_version_in_a_straight_line(vocoder: Vocoder) -> None:
    hidden, length = synthetic_hidden("random", 12), 100
    faded = StreamSettings(lookahead=2, settle=2, chunks=(5,), crossfade=length)
    hard = replace(faded, crossfade=0)

    samples, newer = (pushed(vocoder, hidden, [12], each) for each in (faded, hard))

    older = vocoder.segment(2 * 2).advance(hidden[:7], 2 * 2, last=False, more=1).cpu().numpy()[5 * 512 :]
    rising = np.arange(1, length + 1) / (length + 1)
    seam = slice(5 * 512, 5 * 512 + length)
    expected = older[:length] * (1 - rising) + newer[seam] * rising
    assert np.abs(older[:length] - newer[seam]).max() > 1e-3
    assert np.allclose(samples[seam], expected, atol=1e-6)
    assert np.array_equal(np.delete(samples, seam)[: 9 * 512], np.delete(newer, seam)[: 9 * 512])


@pytest.mark.parametrize("place", [0, 25, 59])
def test_nan_comes_out_as_nan_and_the_stream_goes_on(vocoder: Vocoder, place: int) -> None:
    hidden = synthetic_hidden("random", 60)
    hidden[place] = torch.nan

    samples = pushed(vocoder, hidden, [20, 20, 20], StreamSettings())

    assert len(samples) == 119 * 256
    assert np.isnan(samples[max(0, place * 512 - 256) : place * 512 + 256]).any()


def test_what_a_stream_does_not_leave_a_trace_for_the_next(vocoder: Vocoder) -> None:
    hidden = synthetic_hidden("random", 40)
    before = pushed(vocoder, hidden, [40], SHORT)
    dropped = StreamingVocoder(vocoder, SHORT)
    dropped.push(hidden * torch.nan)

    assert np.array_equal(pushed(vocoder, hidden, [40], SHORT), before)


def test_two_streams_in_turns_do_not_disturb_each_other(vocoder: Vocoder) -> None:
    hidden = [synthetic_hidden("random", 24, seed) for seed in range(2)]
    streams = [StreamingVocoder(vocoder, SHORT) for _ in hidden]

    parts: list[list[NDArray[np.float32]]] = [[], []]
    for pieces in zip(*(torch.split(each, 4) for each in hidden), strict=True):
        for stream, piece, part in zip(streams, pieces, parts, strict=True):
            part.append(stream.push(piece))

    for each, stream, part in zip(hidden, streams, parts, strict=True):
        found = np.concatenate([*part, stream.finish()])
        assert np.array_equal(found, pushed(vocoder, each, [24], SHORT))


def test_a_decoder_a_half_faster_than_speech_never_lets_the_sound_run_dry() -> None:
    speed = 1.5
    ends = list(islice(StreamSettings().boundaries(), 40))
    heard_after = ends[0] / speed
    for before, end in pairwise(ends):
        sound_until = heard_after + before - StreamSettings().lookahead
        assert end / speed <= sound_until


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"lookahead": 1, "settle": 1}, "lookahead 1"),
        ({"lookahead": 8, "settle": 7}, "settle 7"),
        ({"chunks": ()}, "chunks"),
        ({"chunks": (4, 0)}, "chunks"),
        ({"crossfade": -1}, "crossfade -1"),
        ({"lookahead": 2, "settle": 2, "crossfade": 513}, "0 to 512"),
        ({"chunks": (1,), "crossfade": 513}, "0 to 512"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        StreamSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
