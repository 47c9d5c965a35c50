"""A test sound in which every sample says where it belongs."""

from array import array

from chatttsd.audio.feed import GLIDE_SAMPLES

PERIOD = 30_000


def ramp(start: int, count: int) -> bytes:
    """Return `count` samples of a sawtooth from 1 to 30000, from sample `start` on; none of them is zero."""
    return array("h", [1 + index % PERIOD for index in range(start, start + count)]).tobytes()


def glide(first: int, last: int) -> list[int]:
    """Return the samples of a glide between two values, without the two."""
    return [first + (last - first) * k // (GLIDE_SAMPLES + 1) for k in range(1, GLIDE_SAMPLES + 1)]


def without_glides(samples: "array[int]") -> list[tuple[int, int]]:
    """Return the runs of rising samples as (first value, length): what of the ramp was heard, in order.

    Runs shorter than 3 samples are parts of a glide.
    """
    runs: list[tuple[int, int]] = []
    last = 0
    for sample in samples:
        if runs and sample == last % PERIOD + 1:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((sample, 1))
        last = sample
    return [(first, length) for first, length in runs if length > 2]
