"""How well espeak-ng keeps its rates, and how soon its first samples come.

Run: `python tests/bench/rates.py [--json FILE]`. For each text: its seconds at rate 1, and at each rate how
much faster than asked it is, in %. Then the ms from a request to the first samples, the best of 7.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Engine, SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine
from support.ear import Samples, sound_of

RATES = (0.25, 0.5, 0.75, 1.25, 1.5, 2.0, 2.25, 2.5, 3.0, 4.0)
FOLDER = Path(__file__).parent.parent / "data" / "texts"
MORE = {
    "en": ("The quick brown fox jumps over the lazy dog, and then it runs away.", "Hello."),
    "zh": ("今天天气很好，我们一起去公园散步吧。", "你好。"),
    "de": ("Alle Menschen sind frei und gleich an Würde und Rechten geboren.",),
}
ROUNDS = 7


def texts() -> list[tuple[str, str]]:
    """Return languages and texts."""
    found = []
    for language, more in MORE.items():
        file = FOLDER / f"udhr-{language}.txt"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found += [(language, text) for text in (*(line for line in lines if line), *more)]
    return found


def seconds(engine: Engine, text: str, language: str, rate: float) -> float:
    """Return how long a text is."""
    return sound_of(engine, SynthesisRequest(text, language, rate=rate)).size / SAMPLE_RATE


def first_ms(engine: Engine, text: str, language: str, rate: float) -> float:
    """Return the ms to the first samples."""
    times: list[float] = []

    def emit(_samples: Samples) -> bool:
        times.append(1000 * (time.perf_counter() - began))
        return False

    for _ in range(ROUNDS):
        began = time.perf_counter()
        engine.synthesise(SynthesisRequest(text, language, rate=rate), emit, lambda: False)
    return round(min(times), 1)


def row(engine: Engine, language: str, text: str) -> dict[str, Any]:
    """Return the figures of a text."""
    normal = seconds(engine, text, language, 1.0)
    off = [round(100 * (normal / seconds(engine, text, language, rate) / rate - 1), 1) for rate in RATES]
    first = [first_ms(engine, text, language, rate) for rate in (1.0, *RATES)]
    return {"language": language, "seconds": round(normal, 1), "off": off, "first": first}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    engine = EspeakEngine()
    rows = [row(engine, language, text) for language, text in texts()]
    print("faster than asked, in %".ljust(24), *(f"{rate:7g}" for rate in RATES))
    for one in rows:
        print(f"{one['language']}, {one['seconds']} s".ljust(24), *(f"{off:+7.1f}" for off in one["off"]))
    print("first samples, ms".ljust(24), *(f"{rate:7g}" for rate in (1.0, *RATES)))
    for one in rows:
        print(f"{one['language']}, {one['seconds']} s".ljust(24), *(f"{ms:7.1f}" for ms in one["first"]))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
