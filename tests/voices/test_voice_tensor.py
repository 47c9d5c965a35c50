"""Speakers saved by torch are read without torch, and a malicious pickle is refused without being run."""

import contextlib
import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.voices import codec, tensor
from chatttsd.voices.codec import VoiceError

VALUES = torch.randn(768, generator=torch.Generator().manual_seed(5))


def saved(value: object, **options: Any) -> bytes:  # noqa: ANN401 - torch.save's own
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def archive(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return stream.getvalue()


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def altered(**changes: bytes) -> bytes:
    """The archive of a good speaker with other contents of some entries (`data_pkl` is `data.pkl`)."""
    names = {name.split("/", 1)[1]: content for name, content in entries(saved(VALUES)).items()}
    return archive({f"x/{name}": changes.get(name.replace(".", "_"), old) for name, old in names.items()})


@pytest.mark.parametrize("shape", [(768,), (1, 768)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_saved_tensor_is_read(shape: tuple[int, ...], kind: torch.dtype, protocol: int) -> None:
    value = VALUES.to(kind).reshape(shape)
    read = tensor.read(saved(value, pickle_protocol=protocol))
    assert read == value.reshape(-1).to(torch.float16).numpy().tobytes()
    assert codec.decode_speaker(codec.encode_speaker(read)) == read


def test_a_row_of_a_larger_tensor_is_read() -> None:
    several = torch.stack([VALUES * 2, VALUES, VALUES * 3])
    for row, expected in ((several[1], VALUES), (several[2:], VALUES * 3)):
        assert tensor.read(saved(row)) == expected.half().numpy().tobytes()


def test_torch_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(saved(VALUES))
    script = (
        "import sys\nfrom chatttsd.voices import tensor\n"
        "print(len(tensor.read(open(sys.argv[1], 'rb').read())), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.pt"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1536 False\n"


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.target}'",)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "it ran"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        program = pickle.dumps(Attack(target), protocol)
        with pytest.raises(VoiceError, match=r"would call posix system|not a plain saved tensor"):
            tensor.read(altered(data_pkl=program))
        assert not target.exists()
    pickle.loads(program)  # noqa: S301 - proves that the attack is one
    assert target.exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "builtins getattr", "torch._utils _rebuild_parameter", "torch.load x"]
)
def test_only_the_tensor_itself_may_be_called(name: str) -> None:
    program = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n)R."
    with pytest.raises(VoiceError, match=f"it would call {name}; not a plain saved tensor"):
        tensor.read(altered(data_pkl=program))


OTHER = [
    (b"no archive", "not a ZIP archive"),
    (saved(VALUES, _use_new_zipfile_serialization=False), "not a ZIP archive"),
    (saved({"speaker": VALUES}), "not a plain saved tensor"),
    (saved([VALUES]), "not a plain saved tensor"),
    (saved(torch.nn.Parameter(VALUES)), "it would call torch._utils _rebuild_parameter"),
    (saved(VALUES.numpy()), "it would call numpy|not a plain saved tensor"),
    (saved("a string"), "not a plain saved tensor"),
    (saved(VALUES[:100]), "a tensor of 100 values, allowed: 768 or 1 x 768"),
    (saved(VALUES.reshape(768, 1)), "a tensor of 768 x 1 values"),
    (saved(VALUES.reshape(1, 1, 768)), "a tensor of 1 x 1 x 768 values"),
    (saved(torch.tensor(1.0)), "a tensor of single values"),
    (saved(torch.arange(768)), "values of LongStorage, allowed: Float-, Half-"),
    (saved(VALUES.repeat(2)[::2]), "a view into another tensor"),
    (saved(VALUES * torch.nan), "value 0 of the speaker is nan"),
    (saved(VALUES * 1e9), "a value of the speaker is beyond float16"),
    (saved(VALUES * 0), "every value of the speaker is 0"),
    (saved(VALUES)[:-30], "not a ZIP archive|a damaged ZIP archive"),
    (archive({}), "not a plain saved tensor"),
    (archive({"a/data.pkl": b"", "b/data.pkl": b""}), "not a plain saved tensor"),
    (archive(entries(saved(VALUES)), zipfile.ZIP_DEFLATED), "a compressed entry"),
    (archive({f"x/{n}": b"" for n in range(40)}), "not a plain saved tensor"),
    (altered(byteorder=b"big"), "values in another byte order, allowed: little-endian"),
    (altered(**{"data/0": bytes(768 * 4 - 1)}), "its values are missing or of another size"),
    (altered(data_pkl=b""), "not a plain saved tensor|a damaged description"),
    (altered(data_pkl=b"\x80\x02."), "a damaged description|not a plain"),
    (altered(data_pkl=b"\x80\x02t."), "a damaged description"),
    (altered(data_pkl=b"\x80\x02h\x05."), "a damaged description"),
    (altered(data_pkl=b"\x80\x02" + b"K\x01" * 20_000 + b"."), "not a plain saved tensor"),
    (altered(data_pkl=b"\x80\x02K\x01K\x02\x93."), "not a plain saved tensor"),
]


@pytest.mark.parametrize(("data", "reason"), OTHER, ids=range(len(OTHER)))
def test_anything_else_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(VoiceError, match=reason):
        tensor.read(data)


def test_values_that_are_cut_off_are_seen() -> None:
    parts = entries(saved(VALUES))
    name = next(name for name in parts if name.endswith("/data/0"))
    with pytest.raises(VoiceError, match="its values are missing"):
        tensor.read(archive({**parts, name: parts[name][:-4]}))
    del parts[name]
    with pytest.raises(VoiceError, match="its values are missing"):
        tensor.read(archive(parts))


def test_a_description_that_doubles_itself_costs_nothing() -> None:
    # Each tuple holds the one before twice: as text, the last would have 2**60 parts.
    doubled = b"K\x01" + b"".join(b"q%ch%c\x86" % (n, n) for n in range(60))
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuM\x00\x03tQ"
    )
    program = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + doubled + b"K\x01\x85tR."
    with pytest.raises(VoiceError, match=r"a tensor of \? values"):
        tensor.read(altered(data_pkl=program))
    with pytest.raises(VoiceError, match="not a plain saved tensor"):
        tensor.read(altered(data_pkl=b"\x80\x02" + doubled + b"h\x05\x93."))


@given(st.binary(max_size=200))
def test_no_program_at_all_does_more_than_raise_a_voice_error(program: bytes) -> None:
    with pytest.raises(VoiceError):
        tensor.read(altered(data_pkl=b"\x80\x02" + program))


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_byte_gives_a_speaker_or_a_voice_error(place: int, byte: int) -> None:
    data = bytearray(saved(VALUES))
    data[place % len(data)] = byte
    with contextlib.suppress(VoiceError):
        assert np.isfinite(np.frombuffer(tensor.read(bytes(data)), "<f2")).all()
