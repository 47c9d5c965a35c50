"""Speaks sentences with the model that is installed, and says whether they sound as they should.

Run by `chatttsctl models selftest`. Whether a voice is one needs real weights: with a generated model its
verdict on sound means nothing, and it says so.
"""

import argparse
import json
import sys
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import EngineError, ModelSettings, SynthesisRequest
from chatttsd.engine.chattts.api import ModelError
from chatttsd.engine.chattts.batch import Batch, Row, Segment
from chatttsd.engine.chattts.guard import SoundJudge
from chatttsd.engine.chattts.loading import Parts, load_parts
from chatttsd.engine.chattts.selftest_drift import drifts, lookaheads
from chatttsd.engine.chattts.selftest_measures import OK, Drift, Heard, heard
from chatttsd.engine.chattts.selftest_texts import SENTENCES, Sentence
from chatttsd.engine.chattts.speaking import length_fault
from chatttsd.engine.chattts.trimming import to_int16
from chatttsd.models.manifest import load_manifest

GENERATED: Final = "random"
"""The name of a generated model in its manifest."""
_RETRIES: Final = 2
_COMPARED: Final = 2
"""Sentences of each language whose drift is measured: every token is computed again in each precision."""


@dataclass(slots=True)
class Spoken:
    """One sentence as it was spoken."""

    sentence: Sentence = field(repr=False)
    segment: Segment
    codes: torch.Tensor
    states: torch.Tensor
    samples: NDArray[np.float32]
    heard: Heard


def speak(parts: Parts, sentence: Sentence, voice: str) -> Spoken:
    """Speak a sentence, again with the next seed when the guard says so; raises EngineError."""
    segment = parts.wording.segment(SynthesisRequest(sentence.text, sentence.language, voice))
    while True:
        row, codes = _decode(parts, segment)
        samples = parts.vocoder.decode(row.states(0))
        judge = SoundJudge()
        fault = length_fault(row) or judge.feed(samples) or judge.finish()
        if fault is None or segment.attempt >= _RETRIES:
            figures = heard(sentence.text, samples, segment.attempt, "" if fault is None else fault.value)
            return Spoken(sentence, segment, codes, row.states(0), samples, figures)
        segment = segment.again()


def _decode(parts: Parts, segment: Segment) -> tuple[Row, torch.Tensor]:
    batch = Batch(parts.decoder)
    generation = batch.start([segment])
    while batch.growing:
        batch.advance()
    row = batch.row(segment.key)
    if row is None:
        raise EngineError("the decoder lost a segment")
    return row, generation.codes(0).clone()


class Report:
    """Prints lines as they come, and counts those that a person should look at."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self.looks = 0
        self.figures: dict[str, Any] = {"sentences": [], "drift": [], "lookahead": []}

    def sentence(self, number: int, spoken: Spoken) -> None:
        """Tell of one sentence; not its text: the log may be sent to somebody."""
        found = spoken.heard
        self._line(
            f"{number:2} {spoken.sentence.language} {found.seconds:6.2f} s"
            f"  {found.seconds_a_character:5.3f} s/char  {found.energy_db:6.1f} dBFS"
            f"  head {found.head_seconds:4.2f}  tail {found.tail_seconds:4.2f}  retries {found.retries}",
            found.verdict,
        )
        self.figures["sentences"].append({"number": number, **asdict(found), "verdict": found.verdict})

    def drift(self, kind: str, found: Drift) -> None:
        """Tell how far one version is from another."""
        cosine = f"cosine {found.cosine:8.6f} (worst {found.worst_cosine:8.6f})  " if kind == "drift" else ""
        self._line(f"{found.name:<28} {cosine}log-mel {found.mel_db:6.3f} dB", found.verdict)
        self.figures[kind].append({**asdict(found), "verdict": found.verdict})

    def title(self, text: str) -> None:
        """Begin a part."""
        self._show(f"\n{text}")

    def note(self, text: str) -> None:
        """Tell something that has no verdict."""
        self._show(text)

    def _line(self, text: str, verdict: str) -> None:
        self.looks += verdict != OK
        self._show(f"{text}  {verdict}")


def run(parts: Parts, sentences: Sequence[Sentence], voice: str, output: Path, report: Report) -> None:
    """Do everything; raises EngineError, ModelError, OSError."""
    report.note(f"runs in {parts.choice.detail}")
    report.title("sentences")
    spoken = []
    for number, sentence in enumerate(sentences, 1):
        spoken.append(speak(parts, sentence, voice))
        write(output / f"{number:02}-{sentence.language}.wav", spoken[-1].samples)
        report.sentence(number, spoken[-1])
    chosen = list(_of_each_language(spoken))
    report.title("drift of the precisions against fp32, with the same tokens")
    for found in drifts(parts, [(item.segment.prompt, item.codes) for item in chosen]):
        report.drift("drift", found)
    report.title("streaming against one decode of the whole, by look-ahead")
    for found in lookaheads(parts.vocoder, [item.states for item in chosen]):
        report.drift("lookahead", found)


def _of_each_language(spoken: Sequence[Spoken]) -> Iterator[Spoken]:
    for language in ("zh", "en"):
        yield from [item for item in spoken if item.sentence.language == language][:_COMPARED]


def write(path: Path, samples: NDArray[np.float32]) -> None:
    """Write samples of -1..1 as a WAV file; raises OSError."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(to_int16(np.nan_to_num(samples)).tobytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the self-test: 0 when every verdict is ok, 1 when some say look, 2 when it cannot be run."""
    options = _parser().parse_args(arguments)
    settings = ModelSettings(
        model_dir=str(options.model),
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    lines = sys.stderr if options.json else sys.stdout
    report = Report(lambda line: print(line, file=lines, flush=True))
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        parts = load_parts(settings, options.voices, lambda _line: None)
        run(parts, _chosen(options.sentences), options.voice, options.output, report)
        _finish(options, report)
    except (EngineError, ModelError) as error:
        print(f"selftest: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"selftest: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 1 if report.looks else 0


def _chosen(count: int) -> Sequence[Sentence]:
    """Return so many sentences, in turns of the languages."""
    half = len(SENTENCES) // 2
    turns = [sentence for pair in zip(SENTENCES[:half], SENTENCES[half:], strict=True) for sentence in pair]
    return sorted(turns[:count], key=SENTENCES.index)


def _finish(options: argparse.Namespace, report: Report) -> None:
    generated = load_manifest(options.model).name == GENERATED
    if generated:
        report.title("this is a generated model: its verdicts on sound mean nothing")
    report.title(f"{report.looks} lines to look at; the sound is in {options.output}")
    if options.json:
        figures = {**report.figures, "generated": generated, "looks": report.looks}
        print(json.dumps(figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chatttsctl models selftest", description="Speak and measure.")
    parser.add_argument("--model", type=Path, required=True, help="the folder that holds asset/")
    parser.add_argument("--voices", type=Path, required=True, help="the folder of the user's voices")
    parser.add_argument("--output", type=Path, required=True, help="where the WAV files go")
    parser.add_argument("--voice", default="", help="a voice's name; the default one without it")
    parser.add_argument("--sentences", type=int, choices=range(1, len(SENTENCES) + 1), default=len(SENTENCES))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, the lines on stderr")
    return parser


if __name__ == "__main__":
    sys.exit(main())
