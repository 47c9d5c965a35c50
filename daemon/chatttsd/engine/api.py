"""The contract between an engine (in the worker process), its client (in the daemon) and the pipeline.

Nothing here imports numpy: the daemon process must stay small, only the worker does arithmetic on samples.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice as clients see it: stable id, human name, engine, BCP 47 languages."""

    id: str
    name: str
    engine: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a request begins to sound: characters start..end of its `text`, at a sample of its sound."""

    start: int
    end: int
    sample: int
    """Counted from the request's first sample."""


TellWord = Callable[[Word], None]
"""Hears each word once, before the PCM that begins it, where the engine knows its words."""


def ignore_word(_word: Word) -> None:
    """Do nothing: for those who need no words."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the whole sound of a request is by itself: before it is levelled, without its volume."""

    lufs: float
    tenths: int
    """Of a second, in which there is speech; at least 1."""


TellLevel = Callable[[Level], None]
"""Hears it after a request whose sound was made to its end, where the engine's sound is levelled."""


def ignore_level(_level: Level) -> None:
    """Do nothing: for those who do not care how loud a voice is."""


def ignore_recall() -> None:
    """Do nothing: for those who do not care whether a sound is made or recalled."""


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """One segment to synthesise; `text` is already sanitised and short (a few hundred characters at most)."""

    text: str = field(repr=False)
    language: str = "en"
    """BCP 47, already resolved (never `auto`)."""
    voice: str = ""
    """A voice id of this engine, or empty for the engine's default voice of `language`."""
    kind: str = "text"
    """`text`, `char` (say the name of one character) or `key` (say the name of a key, e.g. `shift_a`)."""
    rate: float = 1.0
    """0.25..4.0, 1 is the engine's normal speed."""
    pitch: float = 1.0
    """0.5..2.0."""
    volume: float = 1.0
    """0..1, a linear gain."""
    gain: float = 0.0
    """dB at which the levelling of a text begins: what its voice needs, as far as that is known."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Engine-specific options by their D-Bus name (`seed`, `temperature`, `oral`, ...)."""
    following: tuple["SynthesisRequest", ...] = field(default=(), repr=False)
    """At most 4 requests that will probably come next, which have none themselves: a hint, no order."""
    first: bool = False
    """Whether it begins a reading or goes on after a skip: nothing before it is still to be heard."""
    whole: bool = False
    """Whether it fails rather than leave a word out that the engine does not know: another one can say it."""
    tell_word: TellWord = field(default=ignore_word, repr=False, compare=False)
    """Who hears the words: not sent to the worker, which has one of its own there."""
    tell_level: TellLevel = field(default=ignore_level, repr=False, compare=False)
    """Who hears how loud it is by itself, in the daemon; there may be nothing to tell."""
    tell_recalled: Callable[[], None] = field(default=ignore_recall, repr=False, compare=False)
    """Who hears that the sound comes out of the cache, before its PCM: no engine works for it."""


Emit = Callable[["NDArray[np.int16]"], bool]
"""Takes mono int16 samples at `constants.SAMPLE_RATE`; False means cancelled: return at once."""

Cancelled = Callable[[], bool]


class Engine(Protocol):
    """A speech engine as the worker process sees it; used from one thread only."""

    name: str
    detail: str
    """One line for people: what it runs on, in which precision, and why; may be empty."""

    def voices(self) -> Sequence[Voice]:
        """List the voices that can be asked for now."""

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Synthesise one segment, emitting samples as they come; looks at `cancelled` every 10 ms of work.

        Raises EngineError with a message that does not hold the text.
        """

    def close(self) -> None:
        """Release what the engine holds; the process ends right after."""


class EngineError(Exception):
    """The engine cannot say this segment; the message says why and never holds the text."""


class EngineFaultError(EngineError):
    """The engine cannot start until somebody mends something; starting it again would not help."""


class EngineDiedError(EngineError):
    """The worker process ended or sent garbage in the middle of a request."""


class EngineHungError(EngineError):
    """The worker did not send anything before the deadline and was killed."""


class Synthesiser(Protocol):
    """Something in the daemon that turns requests into sound: an engine's client, or several behind one."""

    def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; closing the generator cancels it. Raises EngineError."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker process is watched and restarted; the configuration's `[worker]`."""

    hang_seconds: float = 10.0
    """Deadline of a request without any audio; 3 x the expected audio is added."""
    start_seconds: float = 20.0
    """How long a worker may take to say hello."""
    backoff_first_seconds: float = 0.1
    backoff_max_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which ChatTTS model is loaded, how, and for how long: the configuration's `[chattts]`."""

    backend: str = "fast"
    """`fast` (our decoder) or `reference` (upstream's own code)."""
    model_dir: str = ""
    """The folder that holds `asset/`; empty: `$XDG_DATA_HOME/chatttsd/models/ChatTTS`."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    precision: str = "auto"
    """`auto`, `fp32`, `bf16`, `int8` or `int4`: the weights of the GPT's linear layers."""
    threads: int = 0
    """CPU threads; 0: every core this process may use."""
    load: str = "start"
    """`start` (with the daemon) or `request` (with the first request)."""
    while_loading: str = "fallback"
    """`fallback` (espeak-ng speaks) or `wait`."""
    idle_unload_seconds: float = 1800.0
    """The worker ends after this long without a request and gives its memory back; 0: never."""
    batch: int = 4
    """1..4: how many segments are decoded together ahead of what is heard."""
    retries: int = 2
    """How often a segment that sounds wrong is made again before espeak-ng says it."""
    emoji: str = "name"
    """`name` (an emoji is said by its name) or `drop`."""
