"""Write the built-in voices: `python models/make_voices.py` (or `--check`: compare them with what is there).

Each is a draw from ChatTTS's own speaker statistics (`chatttsd.voices.sampling`) with the seed in this table,
the same on every machine. `chatttsctl voices new NAME --seed N` makes any of them again.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from chatttsd.voices import files, sampling, store

SEEDS: Final = {"alder": 1, "birch": 2, "cedar": 3, "hazel": 4, "linden": 5}
"""Chosen by nobody's ear: with the real weights, better ones can be put here."""


def render(name: str, seed: int) -> str:
    """Return the content of a built-in voice's file."""
    source = f"sampled from the model's speaker statistics, seed {seed}; not yet listened to"
    return files.render(
        files.StoredVoice(name, name.capitalize(), source=source, speaker=sampling.sample(seed))
    )


def main() -> int:
    """Write or compare the files; exit code 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description="Write the built-in voices.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    checking = parser.parse_args().check
    different = 0
    for name, seed in SEEDS.items():
        path = store.BUILT_IN / f"{name}.txt"
        content = render(name, seed)
        if checking:
            same = path.is_file() and path.read_text(encoding="utf-8") == content
            different += not same
            print(f"{path.name}: {'the same' if same else 'differs'} (seed {seed})")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(f"{path.name}: written (seed {seed})")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
