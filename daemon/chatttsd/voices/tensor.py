"""Speakers in `.pt` files: a tensor saved with `torch.save`, read without torch and without running a pickle.

The file is a ZIP archive (stored, not compressed) with `NAME/data.pkl`, which describes the tensor, and
`NAME/data/KEY`, its raw values. The description is a program for a stack machine; Python's own machine would
call whatever it names. Ours knows only the few instructions of a saved tensor and calls nothing: it builds
the description, and anything else is refused.
"""

import struct
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from chatttsd.voices.codec import SPEAKER_VALUES, VoiceError, speaker_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST_DESCRIPTION: Final = 16_384
"""Bytes of data.pkl; that of a plain tensor has about 200."""
_LONGEST_NAME: Final = 60
_MOST_ENTRIES: Final = 32
_TENSOR: Final = "torch._utils _rebuild_tensor_v2"
_ITEM_BYTES: Final = {
    "torch FloatStorage": 4,
    "torch HalfStorage": 2,
    "torch BFloat16Storage": 2,
    "torch DoubleStorage": 8,
}
_FORMATS: Final = {"torch FloatStorage": "f", "torch HalfStorage": "e", "torch DoubleStorage": "d"}
_SHAPES: Final = ((SPEAKER_VALUES,), (1, SPEAKER_VALUES))
_ZIP_FAULTS: Final = (
    *(zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, KeyError, IndexError),
    *(struct.error, RuntimeError),
)
"""What zipfile raises for damaged archives; RuntimeError is its word for an encrypted entry."""
_REFUSED: Final = "not a plain saved tensor, allowed: 768 values as torch.save writes them"


@dataclass(frozen=True, slots=True)
class _Named:
    """What a pickle would import; here only its name."""

    name: str


@dataclass(frozen=True, slots=True)
class _Called:
    """What a pickle would call; here only the name and the arguments."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """A reference to values elsewhere in the archive."""

    key: tuple[Any, ...]


class _Mark:
    """Where a tuple begins on the stack."""


def read(data: bytes) -> bytes:
    """Return the speaker (codec.SPEAKER_BYTES) that a `.pt` file holds; raises VoiceError."""
    if not zipfile.is_zipfile(BytesIO(data)):
        raise VoiceError("not a ZIP archive, allowed: a tensor saved with torch.save of torch 1.6 or later")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return speaker_bytes(_values(archive))
    except VoiceError:
        raise
    except _ZIP_FAULTS:
        raise VoiceError("a damaged ZIP archive, allowed: a tensor saved with torch.save") from None


def _values(archive: zipfile.ZipFile) -> tuple[float, ...]:
    entries = {entry.filename: entry for entry in archive.infolist()[: _MOST_ENTRIES + 1]}
    descriptions = [name for name in entries if name.endswith("/data.pkl")]
    if len(entries) > _MOST_ENTRIES or len(descriptions) != 1:
        raise VoiceError(_REFUSED)
    folder = descriptions[0].removesuffix("data.pkl")
    order = entries.get(f"{folder}byteorder")
    if order is not None and _content(archive, order) != b"little":
        raise VoiceError("values in another byte order, allowed: little-endian")
    description = _describe(_content(archive, entries[descriptions[0]]))
    kind, key, count, offset = _tensor(description)
    stored = entries.get(f"{folder}data/{key}")
    if stored is None or stored.file_size != count * _ITEM_BYTES[kind]:
        raise VoiceError("its values are missing or of another size than it says")
    return _numbers(_content(archive, stored), kind)[offset : offset + SPEAKER_VALUES]


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type != zipfile.ZIP_STORED:
        # torch never compresses; a few bytes could otherwise become gigabytes.
        raise VoiceError("a compressed entry, allowed: what torch.save writes")
    return archive.read(entry)


def _tensor(description: object) -> tuple[str, str, int, int]:
    """Return kind of storage, key, number of stored values and offset of the first; raises VoiceError."""
    if not (
        isinstance(description, _Called) and description.name == _TENSOR and len(description.arguments) >= 4
    ):
        raise VoiceError(_REFUSED)
    storage, offset, shape, stride = description.arguments[:4]
    if shape not in _SHAPES:
        sizes = shape if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape) else ("?",)
        shown = " x ".join(str(size) for size in sizes[:4]) or "single"
        raise VoiceError(f"a tensor of {shown} values, allowed: {SPEAKER_VALUES} or 1 x {SPEAKER_VALUES}")
    match storage:
        case _Stored(key=("storage", _Named(name=kind), str(key), str(), int(count))) if kind in _ITEM_BYTES:
            pass
        case _Stored(key=("storage", _Named(name=kind), *_)):
            raise VoiceError(
                f"values of {_shown(kind.removeprefix('torch '))}, allowed: Float-, Half- or BFloat16Storage"
            )
        case _:
            raise VoiceError(_REFUSED)
    fits = isinstance(offset, int) and 0 <= offset <= count - SPEAKER_VALUES
    if not fits or not isinstance(stride, tuple) or stride[-1:] != (1,):
        raise VoiceError("a view into another tensor, allowed: its own values in a row")
    return kind, key, count, offset


def _numbers(raw: bytes, kind: str) -> tuple[float, ...]:
    if kind in _FORMATS:
        return struct.unpack(f"<{len(raw) // _ITEM_BYTES[kind]}{_FORMATS[kind]}", raw)
    # bfloat16 is the upper half of a float32.
    halves = struct.unpack(f"<{len(raw) // 2}H", raw)
    return struct.unpack(
        f"<{len(halves)}f", struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves))
    )


def _shown(name: str) -> str:
    return "".join(letter for letter in name[:_LONGEST_NAME] if letter.isprintable())


def _describe(program: bytes) -> object:
    """Return what the pickle describes, without running it; raises VoiceError."""
    # Imported here: the daemon pays for it only where there is a .pt file.
    import pickletools

    if len(program) > _LARGEST_DESCRIPTION:
        raise VoiceError(_REFUSED)
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(program):
            machine.step(opcode.name, argument)
    except VoiceError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        raise VoiceError("a damaged description of the tensor") from None
    return machine.stack.pop() if len(machine.stack) == 1 else None


class _Machine:
    """The stack machine of `pickle`, reduced to what describes a tensor."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._doing: dict[str, Callable[[], None]] = {
            "EMPTY_TUPLE": lambda: self.stack.append(()),
            "NEWFALSE": lambda: self.stack.append(False),
            "NEWTRUE": lambda: self.stack.append(True),
            "MARK": lambda: self.stack.append(_Mark()),
            "TUPLE": self._tuple,
            "TUPLE1": lambda: self._gather(1),
            "TUPLE2": lambda: self._gather(2),
            "TUPLE3": lambda: self._gather(3),
            "REDUCE": self._call,
            "BINPERSID": lambda: self.stack.append(_Stored(self.stack.pop())),
            "MEMOIZE": lambda: self._memo.__setitem__(len(self._memo), self.stack[-1]),
            "STACK_GLOBAL": self._name,
        }

    def step(self, instruction: str, argument: Any) -> None:  # noqa: ANN401 - as many types as instructions
        """Do one instruction; raises VoiceError for one that a saved tensor has no use for."""
        if instruction in ("PROTO", "FRAME", "STOP"):
            return
        if instruction in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self.stack[-1]
        elif instruction in ("BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif instruction == "GLOBAL":
            self.stack.append(_Named(argument))
        elif instruction in ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2"):
            self.stack.append(argument)
        elif instruction in self._doing:
            self._doing[instruction]()
        else:
            raise VoiceError(_REFUSED)

    def _gather(self, count: int) -> None:
        taken = tuple(self.stack[-count:])
        if len(taken) != count:
            raise VoiceError(_REFUSED)
        self.stack[-count:] = [taken]

    def _tuple(self) -> None:
        place = max(index for index, item in enumerate(self.stack) if isinstance(item, _Mark))
        self.stack[place:] = [tuple(self.stack[place + 1 :])]

    def _name(self) -> None:
        parts = self.stack.pop(-2), self.stack.pop()
        if not all(isinstance(part, str) for part in parts):
            raise VoiceError(_REFUSED)
        self.stack.append(_Named(" ".join(parts)))

    def _call(self) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        if not isinstance(called, _Named) or called.name not in (_TENSOR, "collections OrderedDict"):
            # Named, because this is what an attack looks like.
            name = called.name if isinstance(called, _Named) else "something"
            raise VoiceError(f"it would call {_shown(name)}; {_REFUSED}")
        self.stack.append(_Called(called.name, arguments))
