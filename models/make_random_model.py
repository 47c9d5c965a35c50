#!/usr/bin/env python3
"""Writes a model with the layout of ChatTTS and random weights, for tests and benchmarks: not a voice."""

import argparse
import sys
from pathlib import Path

from chatttsd.engine.chattts.random_model.weights import ENDS, Recipe
from chatttsd.engine.chattts.random_model.writer import write


def _parser() -> argparse.ArgumentParser:
    default = Recipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR", help="where to write asset/ and manifest.toml")
    parser.add_argument("--layers", type=int, default=default.layers, metavar="N", help="layers of the GPT")
    parser.add_argument(
        "--seed", type=int, default=default.seed, metavar="S", help="equal seeds, equal files"
    )
    parser.add_argument(
        "--rate", type=float, default=default.rate, metavar="R", help="audio tokens for a second of text"
    )
    parser.add_argument("--end", choices=ENDS, default=default.end, help="when the audio ends")
    return parser


def main() -> int:
    """Write the model and say where; exit code 1 when the disk says no, 2 for bad arguments."""
    parser = _parser()
    given = parser.parse_args()
    try:
        recipe = Recipe(given.layers, given.seed, given.rate, given.end)
        write(given.directory, recipe)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"{error.filename or given.directory}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{given.directory}: {recipe}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
