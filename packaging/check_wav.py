"""Exit 0 when a 16-bit WAV file holds sound, 1 with the reason when it is silent, too short or not a WAV."""

import array
import sys
import wave

SHORTEST_SECONDS = 0.5
QUIETEST_PEAK = 655
"""2 % of full scale: speech is far above it, noise of dithering far below."""


def fault(path: str) -> str:
    """Return why there is nothing to hear in the file; empty when there is something."""
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2:
                return f"{8 * file.getsampwidth()}-bit samples, expected 16"
            seconds = file.getnframes() / file.getframerate()
            samples = array.array("h", file.readframes(file.getnframes()))
    except (OSError, EOFError, wave.Error) as error:
        return str(error) or "not a WAV file"
    if seconds < SHORTEST_SECONDS:
        return f"{seconds:.2f} s long, expected at least {SHORTEST_SECONDS} s"
    peak = max(max(samples), -min(samples))
    return "" if peak >= QUIETEST_PEAK else f"silent (peak {peak} of 32767)"


def main() -> int:
    """Check the file named on the command line."""
    reason = fault(sys.argv[1])
    if reason:
        print(f"{sys.argv[1]}: {reason}", file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
