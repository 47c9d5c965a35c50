"""The voice strings: equal to upstream's, and exact about what is wrong with one."""

import lzma
import math
import struct
import subprocess
import sys

import numpy as np
import pybase16384
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chatttsd.voices import arrays, codec
from chatttsd.voices.codec import AudioPrompt, VoiceError
from support.upstream_speaker import speaker_class

Speaker = speaker_class()
HALVES = st.floats(width=16, allow_nan=False, allow_infinity=False)
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


def a_speaker(seed: int = 0) -> bytes:
    return np.random.default_rng(seed).standard_normal(768).astype("<f2").tobytes()


def codes(tokens: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.random.default_rng(seed).integers(0, 625, (tokens, 4))


def encoded(data: bytes) -> str:
    return str(pybase16384.encode_to_string(data))


def packed(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=FILTERS)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 0.5, 0.99]), st.lists(HALVES, max_size=9))
@settings(max_examples=10, deadline=None)
def test_a_speaker_survives_the_round_trip_and_is_upstreams_string(
    seed: int, zeros: float, few: list[float]
) -> None:
    draw = np.random.default_rng(seed)
    drawn = (draw.standard_normal(768) * (draw.random(768) >= zeros)).astype(np.float16)
    values = [*few, 1.0, *drawn.tolist()][:768]
    speaker = codec.speaker_bytes(values)
    string = codec.encode_speaker(speaker)
    assert string == Speaker._encode(torch.tensor(values, dtype=torch.float16))
    assert codec.decode_speaker(string) == speaker
    assert Speaker._decode(string).tobytes() == speaker
    assert codec.speaker_values(speaker) == tuple(values)


@given(st.integers(1, 400), st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_an_audio_prompt_survives_the_round_trip_and_is_upstreams_string(tokens: int, seed: int) -> None:
    array = codes(tokens, seed)
    prompt = arrays.audio_prompt(array)
    string = codec.encode_prompt(prompt)
    assert string == Speaker.encode_prompt(torch.from_numpy(array.T.copy()))
    assert codec.decode_prompt(string) == prompt
    assert np.array_equal(Speaker.decode_prompt(string).numpy().T, array)
    assert np.array_equal(arrays.prompt_array(prompt), array)


def test_the_longest_prompt_fits() -> None:
    prompt = arrays.audio_prompt(codes(codec.MAX_PROMPT_TOKENS))
    assert codec.decode_prompt(codec.encode_prompt(prompt)) == prompt


@pytest.mark.parametrize("scale", [1e-6, 0.01, 1.0, 30.0])
def test_a_speaker_is_normalised_as_upstream_does_it(scale: float) -> None:
    values = (np.random.default_rng(3).standard_normal(768) * scale).astype("<f2")
    speaker = codec.check_speaker(values.tobytes())
    place = torch.tensor([[7]])
    embedding = torch.zeros(1, 1, 768)
    applied = Speaker.apply(
        Speaker.__new__(Speaker), embedding, codec.encode_speaker(speaker), place.unsqueeze(-1), 7, "cpu"
    )
    assert np.array_equal(arrays.speaker_array(speaker), applied[0, 0].numpy())


@given(st.binary(max_size=64))
def test_base16384_takes_what_the_library_writes(data: bytes) -> None:
    if data:
        assert codec._from_base16384(encoded(data)) == data


@given(st.text(max_size=40))
def test_no_text_at_all_does_more_than_raise_a_voice_error(text: str) -> None:
    for decode in (codec.decode_speaker, codec.decode_prompt):
        with pytest.raises(VoiceError):
            decode(text)


WRONG_SPEAKERS = [
    ("", "empty, allowed: a base16384 voice string"),
    ("\u3d01", "empty, allowed"),
    ("hello", "not base16384: U+0068 at character 0"),
    ("一一 一", "not base16384: U+0020 at character 2"),
    ("一一一\u8e00", "not base16384: U+8E00 at character 3"),
    ("\u3d01一一一", "not base16384: U+3D01 at character 0"),
    ("一一一", "not base16384: 3 characters do not add up"),
    ("一一\u3d01", "not base16384: 3 characters do not add up"),
    (encoded(b"no LZMA2 at all here"), "not the LZMA2 data of a voice string"),
    (encoded(packed(bytes(10))), "10 bytes and 0 left over, allowed: 768 float16 values"),
    (encoded(packed(a_speaker() + b"x")), "more than 768 float16 values"),
    (encoded(packed(a_speaker())[:-1]), "cut short: its LZMA2 data has no end"),
    (encoded(packed(a_speaker())[:700]), "cut short"),
    (encoded(packed(a_speaker()) + b"more"), "1536 bytes and 4 left over"),
    (encoded(packed(bytes(1536))), "every value of the speaker is 0"),
    (encoded(packed(a_speaker()[:-2] + struct.pack("<e", math.nan))), "value 767 of the speaker is nan"),
    (encoded(packed(struct.pack("<e", -math.inf) + a_speaker()[2:])), "value 0 of the speaker is -inf"),
]


@pytest.mark.parametrize(("string", "reason"), WRONG_SPEAKERS)
def test_what_is_wrong_with_a_speaker_is_said(string: str, reason: str) -> None:
    with pytest.raises(VoiceError, match="^" + reason.replace("+", r"\+").replace("(", r"\(")):
        codec.decode_speaker(string)


def prompt_string(rows: int, tokens: int, values: list[int]) -> str:
    return encoded(struct.pack("<2H", rows, tokens) + packed(struct.pack(f"<{len(values)}H", *values)))


WRONG_PROMPTS = [
    (encoded(b"\x04\x00"), "2 bytes, too short"),
    (prompt_string(3, 2, [1] * 6), "codes of 3 x 2, allowed: 4 x 1 to 2048"),
    (prompt_string(4, 0, []), "codes of 4 x 0"),
    (prompt_string(4, 2049, [1] * 4 * 2049), "codes of 4 x 2049"),
    (prompt_string(4, 2, [1] * 9), "more than 4 x 2 codes"),
    (prompt_string(4, 2, [1] * 7), "14 bytes and 0 left over, allowed: 4 x 2 codes"),
    (prompt_string(4, 2, [1] * 7 + [625]), "code 625 in the recording, allowed: 0 to 624"),
]


@pytest.mark.parametrize(("string", "reason"), WRONG_PROMPTS)
def test_what_is_wrong_with_a_prompt_is_said(string: str, reason: str) -> None:
    with pytest.raises(VoiceError, match="^" + reason):
        codec.decode_prompt(string)


def test_a_bomb_is_not_unpacked() -> None:
    # 128 MiB of zeros in some 20 KB; the child may not have the memory to unpack it.
    script = (
        "import lzma, resource, pybase16384\n"
        "from chatttsd.voices import codec\n"
        "f = [{'id': lzma.FILTER_LZMA2, 'preset': 0}]\n"
        "c = lzma.LZMACompressor(format=lzma.FORMAT_RAW, filters=f)\n"
        "b = b''.join(c.compress(bytes(1 << 20)) for _ in range(128)) + c.flush()\n"
        "s = pybase16384.encode_to_string(b)\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + (16 << 20),) * 2)\n"
        "try:\n    codec.decode_speaker(s)\n"
        "except codec.VoiceError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("more than 768 float16 values\n", "")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0] * 767, "767 values, allowed: the 768"),
        ([70_000.0] * 768, "a value of the speaker is beyond float16"),
        ([math.nan] * 768, "value 0 of the speaker is nan"),
        ([0.0] * 768, "every value of the speaker is 0"),
    ],
)
def test_numbers_that_are_no_speaker_are_refused(values: list[float], reason: str) -> None:
    with pytest.raises(VoiceError, match=reason):
        codec.speaker_bytes(values)


def test_codes_that_are_no_recording_are_refused() -> None:
    for wrong, reason in (
        (np.zeros((4, 7), np.int64), r"shape \(4, 7\), allowed: \(tokens, 4\)"),
        (np.full((3, 4), -1), "code -1"),
        (np.full((3, 4), 625), "code 625"),
        (np.zeros((0, 4), np.int64), "codes of 4 x 0"),
    ):
        with pytest.raises(VoiceError, match=reason):
            arrays.audio_prompt(wrong)
    with pytest.raises(VoiceError, match="6 bytes of codes, allowed: 16 for 2 tokens"):
        codec.encode_prompt(AudioPrompt(2, bytes(6)))
    with pytest.raises(VoiceError, match="a speaker of 4 bytes, allowed: 1536"):
        codec.encode_speaker(bytes(4))


def test_neither_values_nor_codes_are_in_a_repr() -> None:
    assert repr(AudioPrompt(2, bytes(16))) == "AudioPrompt(tokens=2)"
