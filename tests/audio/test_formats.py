import math
from array import array

import pytest

from chatttsd.audio.formats import FORMATS, StreamFormat, adapt
from chatttsd.audio.ring import PcmRing


def through(samples: list[int], form: StreamFormat, blocks: list[int]) -> list[int]:
    """Return what a device of this format gets for `samples`, asked in blocks of so many frames."""
    ring = PcmRing()
    ring.write(memoryview(array("h", samples).tobytes()))

    def fill(out: memoryview) -> None:
        got = ring.read_into(out)
        out[2 * got :] = bytes(len(out) - 2 * got)

    adapted = adapt(fill, form)
    result = []
    for frames in blocks:
        out = memoryview(bytearray(frames * form.channels * 2))
        adapted(out)
        result += out.cast("h").tolist()
    return result


def test_the_plain_format_is_asked_for_first_and_changes_nothing() -> None:
    assert FORMATS[0] == StreamFormat(24_000, 1)
    assert through([1, -2, 3], FORMATS[0], [1, 2]) == [1, -2, 3]


def test_every_channel_gets_the_same_sample() -> None:
    assert through([1, -2, 3], StreamFormat(channels=2), [1, 2]) == [1, 1, -2, -2, 3, 3]
    assert through([7, 8], StreamFormat(channels=3), [2]) == [7, 7, 7, 8, 8, 8]


def test_doubling_keeps_every_sample_and_puts_one_between_two() -> None:
    samples = [100 * index for index in range(50)]
    doubled = through(samples, StreamFormat(48_000), [104])
    assert doubled[4::2] == samples
    assert doubled[11:100:2] == [value + 50 for value in samples[3:48]]


@pytest.mark.parametrize("blocks", [[200], [1] * 200, [7, 13, 80, 100], [99, 101]])
def test_doubling_does_not_depend_on_the_size_of_the_blocks(blocks: list[int]) -> None:
    samples = [(index * 7919) % 20011 - 10_000 for index in range(110)]
    assert through(samples, StreamFormat(48_000), blocks) == through(samples, StreamFormat(48_000), [200])


def test_doubling_makes_no_audible_image_of_a_voice() -> None:
    tone = [round(10_000 * math.sin(2 * math.pi * 1000 * index / 24_000)) for index in range(2400)]
    doubled = through(tone, StreamFormat(48_000), [4804])[4:]
    wanted = [10_000 * math.sin(2 * math.pi * 1000 * index / 48_000) for index in range(len(doubled))]
    assert max(abs(got - want) for got, want in zip(doubled[8:-8], wanted[8:-8], strict=True)) < 10


def test_doubling_stays_within_sixteen_bits() -> None:
    doubled = through([32767, 32767, -32768, -32768] * 20, StreamFormat(48_000, 2), [150])
    assert (min(doubled), max(doubled)) == (-32768, 32767)


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="44100 Hz"):
        adapt(lambda out: None, StreamFormat(44_100))
