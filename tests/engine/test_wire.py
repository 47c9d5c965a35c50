import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.engine.api import Level, SynthesisRequest, Voice, Word
from chatttsd.engine.wire import (
    HEADER,
    MAGIC,
    MAX_FOLLOWING,
    MAX_PAYLOAD,
    Frame,
    FrameDecoder,
    FrameType,
    Hello,
    ProtocolError,
    check_audio,
    decode_level,
    decode_request,
    decode_text,
    decode_word,
    encode_level,
    encode_request,
    encode_text,
    encode_word,
)

frames = st.builds(
    Frame,
    type=st.sampled_from(FrameType),
    request=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=300),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec=None))
requests = st.builds(
    SynthesisRequest,
    text=texts,
    language=st.text(),
    voice=st.text(),
    kind=st.sampled_from(["text", "char", "key"]),
    rate=finite,
    pitch=finite,
    volume=finite,
    gain=finite,
    parameters=st.dictionaries(st.text(), st.text(), max_size=3),
    following=st.lists(
        st.builds(SynthesisRequest, text=texts, rate=finite, gain=finite), max_size=MAX_FOLLOWING
    ).map(tuple),
    first=st.booleans(),
)
REQUEST = json.loads(encode_request(SynthesisRequest("x")))
NESTED = {name: value for name, value in REQUEST.items() if name != "following"}


@given(sent=st.lists(frames, max_size=6), data=st.data())
def test_frames_survive_any_split_of_the_stream(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(frame.encode() for frame in sent)
    decoder = FrameDecoder()
    received: list[Frame] = []
    position = 0
    while position < len(stream):
        step = data.draw(st.integers(1, len(stream) - position))
        received += decoder.feed(stream[position : position + step])
        position += step
    assert received == sent


@given(sent=st.lists(frames, min_size=1, max_size=3))
def test_frames_survive_a_stream_of_single_bytes(sent: list[Frame]) -> None:
    decoder = FrameDecoder()
    stream = b"".join(frame.encode() for frame in sent)
    assert [frame for byte in stream for frame in decoder.feed(bytes([byte]))] == sent


@given(garbage=st.binary(min_size=1).filter(lambda data: not MAGIC.startswith(data[: len(MAGIC)])))
def test_garbage_is_refused_from_its_first_wrong_byte(garbage: bytes) -> None:
    with pytest.raises(ProtocolError, match="bad magic"):
        FrameDecoder().feed(garbage)


@given(sent=frames, garbage=st.binary(max_size=40))
def test_a_frame_followed_by_anything_never_breaks_in_another_way(sent: Frame, garbage: bytes) -> None:
    decoder = FrameDecoder()
    try:
        assert decoder.feed(sent.encode() + garbage)[0] == sent
    except ProtocolError:
        assert garbage


@pytest.mark.parametrize("kind", [0, 12, 255])
def test_an_unknown_type_is_refused(kind: int) -> None:
    with pytest.raises(ProtocolError, match=f"frame type {kind} is unknown"):
        FrameDecoder().feed(HEADER.pack(MAGIC, kind, 1, 0))


@pytest.mark.parametrize("length", [MAX_PAYLOAD + 1, 2**32 - 1])
def test_a_long_payload_is_refused_before_it_arrives(length: int) -> None:
    with pytest.raises(ProtocolError, match=f"announces {length} bytes, allowed are {MAX_PAYLOAD}"):
        FrameDecoder().feed(HEADER.pack(MAGIC, FrameType.AUDIO, 1, length))


def test_the_longest_payload_passes_and_a_longer_one_cannot_be_sent() -> None:
    longest = Frame(FrameType.AUDIO, 1, bytes(MAX_PAYLOAD))
    assert FrameDecoder().feed(longest.encode()) == [longest]
    with pytest.raises(ProtocolError, match="allowed are"):
        Frame(FrameType.AUDIO, 1, bytes(MAX_PAYLOAD + 1)).encode()


def test_the_header_is_as_written_down() -> None:
    data = Frame(FrameType.CANCEL, 7, b"ab").encode()
    assert struct.unpack("!4sBII", data[:13]) == (b"cTw1", 3, 7, 2)


@given(request=requests)
def test_requests_survive_the_wire(request: SynthesisRequest) -> None:
    assert decode_request(encode_request(request)) == request


def test_what_follows_is_bounded_and_never_costs_the_request_itself() -> None:
    many = tuple(SynthesisRequest(str(number)) for number in range(9))
    decoded = decode_request(encode_request(SynthesisRequest("x", following=many)))
    assert [request.text for request in decoded.following] == ["0", "1", "2", "3"]
    huge = SynthesisRequest("x", following=(SynthesisRequest("y" * MAX_PAYLOAD),))
    assert decode_request(encode_request(huge)) == SynthesisRequest("x")


def test_whole_numbers_are_sent_as_floats() -> None:
    decoded = decode_request(encode_request(SynthesisRequest("x", rate=2, pitch=1, volume=0, gain=3)))
    numbers = (decoded.rate, decoded.pitch, decoded.volume, decoded.gain)
    assert [type(value) for value in numbers] == [float] * 4


@given(payload=st.binary())
def test_any_payload_is_a_request_or_a_protocol_error(payload: bytes) -> None:
    for decode in (decode_request, decode_text, Hello.decode):
        with pytest.raises(ProtocolError):
            decode(payload)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", 7, "text is int, allowed is str"),
        ("rate", "fast", "rate is str, allowed is float"),
        ("rate", True, "rate is bool, allowed is float"),
        ("rate", float("nan"), "rate is nan, allowed is a finite number"),
        ("volume", float("inf"), "volume is inf, allowed is a finite number"),
        ("gain", 3, "gain is int, allowed is float"),
        ("gain", float("-inf"), "gain is -inf, allowed is a finite number"),
        ("following", [NESTED | {"gain": float("nan")}], "gain is nan"),
        ("parameters", [], "parameters is list, allowed is dict"),
        ("parameters", {"seed": 1}, "a parameter of a request is not a string"),
        ("first", 1, "first is int, allowed is bool"),
        ("extra", 1, "exactly text, language"),
        ("following", [REQUEST], "exactly text, language"),
        ("following", [1], "must be an object"),
        ("following", [NESTED | {"rate": "fast"}], "rate is str"),
        ("following", [NESTED] * (MAX_FOLLOWING + 1), "5 requests follow, allowed are 4"),
    ],
)
def test_a_request_with_a_wrong_field_is_named(field: str, value: object, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        decode_request(json.dumps(REQUEST | {field: value}).encode())


def test_a_broken_payload_is_not_quoted() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_request(b'{"text": "a secret')
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decode_request(b"[" * 200_000)


def test_neither_frame_nor_request_shows_the_text() -> None:
    request = SynthesisRequest("a secret", following=(SynthesisRequest("a secret"),))
    frame = Frame(FrameType.SYNTHESISE, 1, encode_request(request))
    assert "secret" not in repr(frame) + repr(request)


def test_hello_survives_the_wire() -> None:
    hello = Hello("tone", (Voice("tone/tone", "Tön 声", "tone", ("zh", "en")),), "int8 on 2 cores")
    assert Hello.decode(hello.encode()) == hello


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 1}, "worker speaks protocol 1, this is 5"),
        ({"voices": [1]}, "must be an object with exactly id, name"),
        ({"voices": [{"id": "a", "name": "b", "engine": "c", "languages": [1]}]}, "is not a string"),
        ({"engine": None}, "engine is NoneType, allowed is str"),
        ({"detail": 1}, "detail is int, allowed is str"),
    ],
)
def test_a_wrong_hello_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        Hello.decode(json.dumps({"engine": "e", "version": 5, "detail": "", "voices": []} | change).encode())


@given(text=texts)
def test_status_and_error_texts_survive_the_wire(text: str) -> None:
    assert decode_text(encode_text(text)) == text


@given(start=st.integers(0, 2**31), length=st.integers(1, 9), sample=st.integers(0, 2**32 - 1))
def test_words_survive_the_wire(start: int, length: int, sample: int) -> None:
    start %= 91
    word = Word(start, start + length, sample)
    assert decode_word(encode_word(word), "x" * 100) == word


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "a word of 0 bytes, allowed are 12"),
        (bytes(13), "a word of 13 bytes, allowed are 12"),
        (encode_word(Word(2, 5, 0)), "word 2..5 of a text of 4 characters"),
        (encode_word(Word(3, 3, 0)), "word 3..3 of a text"),
        (encode_word(Word(3, 1, 0)), "word 3..1 of a text"),
    ],
)
def test_a_word_that_is_not_in_the_text_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        decode_word(payload, "text")


@given(lufs=st.floats(-70, 10), tenths=st.integers(1, 2**32 - 1))
def test_levels_survive_the_wire(lufs: float, tenths: int) -> None:
    level = Level(lufs, tenths)
    assert decode_level(encode_level(level)) == level


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "a level of 0 bytes, allowed are 12"),
        (bytes(13), "a level of 13 bytes, allowed are 12"),
        (encode_level(Level(-20.0, 0)), "a level of no speech"),
        *(
            (encode_level(Level(lufs, 1)), rf"a level of {lufs} LUFS, allowed are -70\.\.10")
            for lufs in (-70.1, 10.1, float("nan"), float("inf"), float("-inf"))
        ),
    ],
)
def test_a_level_that_no_speech_has_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        decode_level(payload)


def test_half_a_sample_is_refused() -> None:
    assert check_audio(b"\0\0") == b"\0\0"
    with pytest.raises(ProtocolError, match="3 bytes is not whole samples"):
        check_audio(b"\0\0\0")
