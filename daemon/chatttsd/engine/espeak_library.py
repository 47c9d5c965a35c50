"""libespeak-ng by ctypes: one synthesiser, synchronous, used from one thread.

The calls follow espeak-ng's `speak_lib.h` and, where those end the process at an error, its `espeak_ng.h`
(1.52). Every function has its `argtypes`: without them a second call returned no audio and the process died
with a segmentation fault.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError

Samples = NDArray[np.int16]
Sink = Callable[[Samples], bool]
"""Takes samples at the library's rate; False aborts the synthesis."""


@dataclass(frozen=True, slots=True)
class WordEvent:
    """A word as the library tells it: `length` characters from `start` of its text, at one of its samples."""

    start: int
    length: int
    sample: int


Hear = Callable[[WordEvent], None]
"""Hears each word before the samples that begin it."""

SYNCHRONOUS: Final = 1
UTF8: Final = 1
POSITION_CHARACTER: Final = 1
PARAMETER_RATE: Final = 1
PARAMETER_PITCH: Final = 3

_STEADY: Final = b"\nflutter 0\nroughness 0\n"
"""Random pitch and creak, appended to a voice as off: their phase lives in the library from call to call."""
_PRIMER: Final = "1"

_EVENTS_END: Final = 0
_EVENT_WORD: Final = 1


class _EventStruct(ctypes.Structure):
    """`espeak_EVENT`; a list of them ends with one of type 0. `text_position` counts characters from 1."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EventStruct)
)


class _VoiceStruct(ctypes.Structure):
    """`espeak_VOICE`; `languages` is a list of (priority byte, C string), ended by a zero byte."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "espeak_ng_InitializePath": (None, (ctypes.c_char_p,)),
    "espeak_ng_Initialize": (ctypes.c_int, (ctypes.c_void_p,)),
    "espeak_ng_InitializeOutput": (ctypes.c_int, (ctypes.c_int, ctypes.c_int, ctypes.c_char_p)),
    "espeak_ng_GetSampleRate": (ctypes.c_int, ()),
    "espeak_ng_GetStatusCodeMessage": (None, (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)),
    "espeak_SetSynthCallback": (None, (_CALLBACK,)),
    "espeak_ListVoices": (ctypes.POINTER(ctypes.POINTER(_VoiceStruct)), (ctypes.c_void_p,)),
    "espeak_SetVoiceByFile": (ctypes.c_int, (ctypes.c_char_p,)),
    "espeak_SetParameter": (ctypes.c_int, (ctypes.c_int, ctypes.c_int, ctypes.c_int)),
    "espeak_ng_SetRandSeed": (None, (ctypes.c_long,)),
    "espeak_Synth": (
        ctypes.c_int,
        (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ),
    ),
    "espeak_Char": (ctypes.c_int, (ctypes.c_wchar,)),
    "espeak_Synchronize": (ctypes.c_int, ()),
    "espeak_Terminate": (ctypes.c_int, ()),
}


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice of the library: its file under `lang/`, its English name, its languages with their priority."""

    identifier: str
    name: str
    languages: tuple[tuple[int, str], ...]


class EspeakLibrary:
    """The one synthesiser of this process; raises EngineError when it is open already or cannot be used.

    Chinese, Cantonese and English come out the same, sample by sample, each time: the voice file is loaded
    without random pitch and creak, the noise is seeded, and a short word goes unheard before each text.
    """

    # The library's state is the process's: initialised again, it goes on with tables that it has freed.
    _open: ClassVar[bool] = False

    def __init__(self) -> None:
        if EspeakLibrary._open:
            raise EngineError("espeak-ng is open in this process already: close that first")
        self._data = Path(espeakng_loader.get_data_path())
        self._library = _load(espeakng_loader.get_library_path())
        self._sink: Sink = _discard
        self._hear: Hear = _ignore
        self._error: BaseException | None = None
        # Kept for as long as this is open: the library calls it by address.
        self._callback = _CALLBACK(self._on_samples)
        self._data_folder = _open_folder(self._data)
        self._voice_file = os.memfd_create("espeak-voice")
        EspeakLibrary._open = self._is_open = True
        try:
            self._initialise()
        except EngineError:
            self.close()
            raise
        self.sample_rate = int(self._library.espeak_ng_GetSampleRate())
        self._library.espeak_SetSynthCallback(self._callback)

    def voices(self) -> Sequence[VoiceEntry]:
        """List every voice of the library in its order."""
        table = self._library.espeak_ListVoices(None)
        entries = []
        index = 0
        while table[index]:
            entries.append(_entry(table[index].contents))
            index += 1
        return entries

    def set_voice(self, identifier: str) -> None:
        """Load the voice file `lang/<identifier>`; raises EngineError."""
        definition = (self._data / "lang" / identifier).read_bytes() + _STEADY
        os.ftruncate(self._voice_file, 0)
        os.pwrite(self._voice_file, definition, 0)
        if self._library.espeak_SetVoiceByFile(f"/proc/self/fd/{self._voice_file}".encode()):
            raise EngineError(f"espeak-ng cannot load its voice {identifier}")

    def set_rate(self, words_per_minute: int) -> None:
        """Set the speed: 80 and above; from 450 on the library compresses time with its built-in libsonic."""
        self._library.espeak_SetParameter(PARAMETER_RATE, words_per_minute, 0)

    def set_pitch(self, pitch: int) -> None:
        """Set the base pitch, 0..100 with 50 as the voice's own."""
        self._library.espeak_SetParameter(PARAMETER_PITCH, pitch, 0)

    def speak(self, text: str, sink: Sink, hear: Hear | None = None) -> None:
        """Synthesise plain text into `sink`; what `sink` or `hear` raises comes out here."""
        self._prime()
        self._run(sink, lambda: self._synth(text), hear)

    def spell(self, character: str, sink: Sink) -> None:
        """Synthesise the name of one code point into `sink`."""
        self._prime()
        self._run(sink, lambda: self._library.espeak_Char(character))

    def close(self) -> None:
        """Give the library's memory back, once; it can be opened again then."""
        if not self._is_open:
            return
        EspeakLibrary._open = self._is_open = False
        self._library.espeak_Terminate()
        os.close(self._voice_file)
        os.close(self._data_folder)

    def _initialise(self) -> None:
        # The library keeps 160 bytes for the path of its data; a home directory can be deeper than that.
        self._library.espeak_ng_InitializePath(f"/proc/self/fd/{self._data_folder}".encode())
        status = self._library.espeak_ng_Initialize(None)
        status = status or self._library.espeak_ng_InitializeOutput(SYNCHRONOUS, 0, None)
        if status:
            message = ctypes.create_string_buffer(200)
            self._library.espeak_ng_GetStatusCodeMessage(status, message, len(message))
            raise _bad_data(message.value.decode("utf-8", "replace"))

    def _prime(self) -> None:
        self._library.espeak_ng_SetRandSeed(1)
        self._run(_discard, lambda: self._synth(_PRIMER))
        self._library.espeak_ng_SetRandSeed(1)

    def _synth(self, text: str) -> int:
        data = text.replace("\0", " ").encode("utf-8", "replace")
        call = self._library.espeak_Synth
        return int(call(data, len(data) + 1, 0, POSITION_CHARACTER, 0, UTF8, None, None))

    def _run(self, sink: Sink, call: Callable[[], int], hear: Hear | None = None) -> None:
        self._sink = sink
        self._hear = hear or _ignore
        status = call()
        self._library.espeak_Synchronize()
        error, self._error = self._error, None
        if error is not None:
            raise error
        if status:
            raise EngineError(f"espeak-ng refused a text with status {status}")

    def _on_samples(self, samples: Any, count: int, events: Any) -> int:  # noqa: ANN401 - ctypes pointers
        try:
            for event in _words(events):
                self._hear(event)
            if count <= 0 or not samples:
                return 0
            # Copied: the library fills the same buffer again after this call.
            block = np.frombuffer(ctypes.string_at(samples, count * 2), np.int16)
            return 0 if self._sink(block) else 1
        except BaseException as error:
            # ctypes would print it and go on; `_run` raises it again.
            self._error = error
            return 1


def _load(path: str) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise EngineError(f"espeak-ng cannot be loaded: {error}") from None
    return library


def _open_folder(folder: Path) -> int:
    try:
        return os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        raise _bad_data(error.strerror) from None


def _bad_data(why: str | None) -> EngineError:
    return EngineError(f"espeak-ng cannot use its data ({why}): reinstall the Python package espeakng-loader")


def _words(events: Any) -> Iterator[WordEvent]:  # noqa: ANN401 - a ctypes pointer
    """Return the words of a list of events; there is none at the end of a synthesis."""
    index = 0
    while events and events[index].type != _EVENTS_END:
        event = events[index]
        if event.type == _EVENT_WORD:
            yield WordEvent(event.text_position - 1, event.length, event.sample)
        index += 1


def _entry(voice: _VoiceStruct) -> VoiceEntry:
    languages = []
    address = voice.languages
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        languages.append((priority, tag.decode("ascii")))
        address += len(tag) + 2
    return VoiceEntry(voice.identifier.decode(), voice.name.decode().strip(), tuple(languages))


def _discard(_samples: Samples) -> bool:
    return True


def _ignore(_word: WordEvent) -> None:
    return
