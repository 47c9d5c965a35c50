"""How loud the engines are beside each other, by EBU R128 as pyloudnorm has it; the goal is within 1.5 LU.

Run: `python tests/bench/loudness.py [--model DIR] [--voices] [--json FILE]`. espeak-ng in Chinese and English
at several rates and pitches; speech of it at 12 dB below the target to 9 dB above it through what ChatTTS's
sound goes through, with the gain's way after it has settled; short pieces of it, by whether the loudness of
their voice is known; with a model, each of its voices.
`--voices` lists what each voice of espeak-ng would need to be as loud as the target.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pyloudnorm
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Engine, ModelSettings, SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.engine.post.level import Leveller, amplified, factor_of
from chatttsd.engine.post.loudness import BLOCK
from chatttsd.engine.post.manners import Mannered
from chatttsd.engine.voice_levels import TARGET, gain_to
from support.ear import sound_of

Samples = NDArray[np.int16]
Rows = list[dict[str, Any]]

TEXTS = {
    "zh": "今天天气很好，我们一起去公园散步吧。银行行长说，明天还要开会，请大家准时到场。",
    "en": "The quick brown fox jumps over the lazy dog, and then it runs away. She sells shells at sea.",
    "de": "Guten Tag, wie geht es Ihnen? Morgen fahren wir mit dem Zug an die See, und abends wieder heim.",
    "fr": "Bonjour, comment allez-vous ? Demain nous prendrons le train pour aller à la mer avec des amis.",
    "es": "Buenos días, ¿cómo está usted? Mañana vamos a la playa en tren, y por la noche volvemos a casa.",
    "ru": "Добрый день, как ваши дела? Завтра мы поедем на море, а вечером вернёмся домой.",
    "mi": "Tēnā koe, kei te pēhea koe? Ka haere mātou ki te moana āpōpō, ā, ka hoki mai ki te kāinga.",
    "haw": "Aloha kakahiaka, pehea ʻoe? E hele ana mākou i ke kai i ka lā ʻapōpō, a hoʻi mai i ka hale.",
}
VOICES = {"espeak-ng/cmn": "zh", "espeak-ng/yue": "zh", "espeak-ng/en-us": "en", "espeak-ng/en-gb": "en"}
MANNERS = ((1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0), (1.0, 0.5), (1.0, 2.0))
LEVELS = (-12, -9, -6, -3, 0, 3, 6, 9)
SETTLED_BLOCKS = 16
SHORT_SECONDS = (0.4, 0.8)
SPEECH_LU = 4
"""A short piece that is softer than its voice by more is mostly a pause."""


def said(engine: Engine, text: str, **options: Any) -> Samples:  # noqa: ANN401 - the fields of a request
    """Return the sound of a request."""
    return sound_of(engine, SynthesisRequest(text, **options))


def lufs(samples: Samples) -> float:
    """Return the integrated loudness."""
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples / 32768))


def of_espeak(engine: Engine) -> Iterator[dict[str, Any]]:
    """Measure the Chinese and English voices."""
    for voice, language in VOICES.items():
        for rate, pitch in MANNERS:
            sound = said(engine, TEXTS[language], language=language, voice=voice, rate=rate, pitch=pitch)
            peak = float(np.abs(sound / 32768).max())
            yield {"voice": voice, "rate": rate, "pitch": pitch, "LUFS": round(lufs(sound), 2), "peak": peak}


def of_levels(engine: Engine) -> Iterator[dict[str, Any]]:
    """Measure what the leveller makes of speech at several levels."""
    for language in ("zh", "en"):
        speech = said(engine, TEXTS[language], language=language)
        plain = lufs(speech)
        for level in LEVELS:
            leveller = Leveller()
            before = amplified(speech, factor_of(TARGET + level - plain))
            gains, after = [], []
            for start in range(0, before.size, BLOCK):
                after.append(leveller.feed(before[start : start + BLOCK]))
                gains.append(leveller.gain)
            settled = gains[SETTLED_BLOCKS:]
            yield {
                "speech": language,
                "level": level,
                "LUFS": round(lufs(np.concatenate(after)), 2),
                "gain moves by, settled": round(max(settled) - min(settled), 2),
            }


def of_short(engine: Engine) -> Iterator[dict[str, Any]]:
    """Measure short texts at several levels, by whether the loudness of their voice is known."""
    for language in ("zh", "en"):
        speech = said(engine, TEXTS[language], language=language)
        speech = amplified(speech, factor_of(TARGET - lufs(speech)))
        for seconds in SHORT_SECONDS:
            size = int(seconds * SAMPLE_RATE)
            pieces = [speech[start : start + size] for start in range(0, speech.size - size, size)]
            pieces = [piece for piece in pieces if lufs(piece) > TARGET - SPEECH_LU]
            for level in LEVELS:
                row = {"speech": language, "seconds": seconds, "level": level}
                for name, gain in (("unknown", 0.0), ("known", gain_to(TARGET, TARGET + level))):
                    soft = (amplified(piece, factor_of(level)) for piece in pieces)
                    made = [lufs(Leveller(gain=gain).feed(piece)) for piece in soft]
                    row[name] = f"{np.median(made):.1f} ({min(made):.1f} to {max(made):.1f})"
                yield row


def of_model(directory: Path) -> Iterator[dict[str, Any]]:
    """Measure a model's voices, as the engine makes them and as they are heard."""
    from chatttsd.engine.chattts.engine import create

    settings = ModelSettings(model_dir=str(directory), retries=0)
    engine = create(settings, str(directory / "no voices"), lambda line: print(line, file=sys.stderr))
    for voice in engine.voices():
        raw, heard = (
            lufs(said(maker, TEXTS["zh"], language="zh", voice=voice.id))
            for maker in (engine, Mannered(engine))
        )
        yield {"voice": voice.id, "as made": round(raw, 2), "LUFS": round(heard, 2)}
    engine.close()


def of_voices(engine: Engine) -> Iterator[dict[str, Any]]:
    """Measure every voice of espeak-ng, with English where there is no text of its language."""
    for voice in engine.voices():
        language = next((tag for tag in voice.languages if tag in TEXTS), voice.languages[0].split("-")[0])
        text = TEXTS["zh" if language == "yue" else language if language in TEXTS else "en"]
        level = lufs(said(engine, text, voice=voice.id))
        yield {"voice": voice.id, "own text": language in TEXTS, "needs": round(TARGET - level, 1)}


def show(title: str, rows: Rows) -> None:
    """Print a table."""
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--voices", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    engine = EspeakEngine()
    tables = {"espeak-ng": list(of_espeak(engine)), "levelled": list(of_levels(engine))}
    tables["short, LUFS: median (least to most)"] = list(of_short(engine))
    if options.voices:
        tables["what each voice needs (dB)"] = list(of_voices(engine))
    if options.model:
        tables["ChatTTS"] = list(of_model(options.model))
    for title, rows in tables.items():
        show(title, rows)
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1))


if __name__ == "__main__":
    main()
