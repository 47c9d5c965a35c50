"""The engine contract over upstream: whole segments, checked before they are heard."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, EngineError, SynthesisRequest
from chatttsd.engine.chattts.api import Sampling
from chatttsd.engine.chattts.reference_engine import ReferenceEngine
from chatttsd.engine.chattts.wording import Voices
from chatttsd.voices.codec import decode_speaker
from chatttsd.voices.store import VoiceStore
from support.model_parts import PlainFrontEnd

TEXT = "今天的天气比昨天好多了。"


def sound(seconds: float, level: float = 0.1) -> NDArray[np.float32]:
    signs = np.where(np.arange(int(seconds * SAMPLE_RATE)) % 2, 1, -1)
    return (signs * level).astype(np.float32)


class Scripted:
    """Answers each seed with a sound and remembers what it was told."""

    def __init__(self, by_seed: Mapping[int, NDArray[np.float32]]) -> None:
        self.by_seed = by_seed
        self.told: list[dict[str, object]] = []
        self.on_speak: Callable[[], None] = lambda: None

    def speak(
        self,
        text: str,
        speaker: str | None,
        sampling: Sampling,
        parameters: Mapping[str, str] | None = None,
        *,
        sample: str | None = None,
        sample_text: str | None = None,
        cancelled: Cancelled | None = None,
    ) -> NDArray[np.float32]:
        self.on_speak()
        self.told.append(
            {"text": text, "speaker": speaker, "sampling": sampling, "parameters": parameters}
            | {"sample": sample, "sample_text": sample_text, "cancelled": cancelled}
        )
        return self.by_seed[sampling.seed]


class Ear:
    """Listens to an engine; `patience` chunks are taken."""

    def __init__(self, model: Scripted, folder: Path, patience: int = 1_000_000) -> None:
        self.reports: list[str] = []
        self.chunks: list[NDArray[np.int16]] = []
        self.patience = patience
        voices = Voices(VoiceStore(folder))
        self.engine = ReferenceEngine(model, PlainFrontEnd(), voices, retries=2, report=self.reports.append)

    def emit(self, samples: NDArray[np.int16]) -> bool:
        self.chunks.append(samples)
        return len(self.chunks) < self.patience

    def say(self, text: str = TEXT, cancelled: Cancelled = lambda: False, **parameters: str) -> None:
        request = SynthesisRequest(text, "zh", parameters=parameters)
        self.engine.synthesise(request, self.emit, cancelled)

    @property
    def seconds(self) -> float:
        return sum(chunk.size for chunk in self.chunks) / SAMPLE_RATE


def test_a_segment_is_said_with_a_voice_and_parameters(tmp_path: Path) -> None:
    model = Scripted({7: sound(2.5)})
    ear = Ear(model, tmp_path)
    ear.say(seed="7", speed="6", oral="3")
    assert ear.seconds == pytest.approx(2.5, abs=0.1)
    told = model.told[0]
    assert told["text"] == TEXT
    assert decode_speaker(str(told["speaker"]))
    assert told["parameters"] == {"seed": "7", "speed": "6", "oral": "3"}
    assert told["sample"] is None
    assert ear.engine.voices()
    assert "upstream" in ear.engine.detail
    ear.engine.close()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (sound(0.5), "too short for its text"),
        (sound(9), "too long for its text"),
        (sound(2.5, 0), "silent"),
        (sound(2.5, 0.002), "silent"),
        (sound(2.5, float("nan")), "not a number"),
        (sound(0), "too short for its text"),
    ],
)
def test_what_went_wrong_is_made_again_before_it_is_heard(
    tmp_path: Path, wrong: NDArray[np.float32], why: str
) -> None:
    ear = Ear(Scripted({0: wrong, 1: sound(2)}), tmp_path)
    ear.say()
    assert ear.seconds == pytest.approx(2, abs=0.1)
    assert ear.reports == [f"guard: a segment was {why} and is made again"]


def test_what_stays_wrong_fails_unheard(tmp_path: Path) -> None:
    ear = Ear(Scripted(dict.fromkeys(range(3), sound(0.1))), tmp_path)
    with pytest.raises(EngineError, match="too short for its text, in 3 attempts"):
        ear.say()
    assert ear.chunks == []


def test_a_cancel_while_it_is_made_is_silent_and_makes_nothing_again(tmp_path: Path) -> None:
    model = Scripted({0: sound(0.1)})
    flags: list[bool] = []
    model.on_speak = lambda: flags.append(True)
    ear = Ear(model, tmp_path)
    ear.say(cancelled=lambda: bool(flags))
    assert (ear.chunks, len(model.told)) == ([], 1)
    assert callable(model.told[0]["cancelled"])


def test_a_cancel_while_it_is_heard_stops_it(tmp_path: Path) -> None:
    ear = Ear(Scripted({0: sound(2.5)}), tmp_path, patience=2)
    ear.say()
    assert len(ear.chunks) == 2
