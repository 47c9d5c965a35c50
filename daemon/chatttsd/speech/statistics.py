"""What the daemon has done and how quickly: counters and the latest latencies."""

from collections import deque
from dataclasses import dataclass
from typing import Final

_KEPT: Final = 512
_PERCENTILES: Final = (50, 95, 99)


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of unsorted values, 0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


@dataclass(slots=True)
class CacheFigures:
    """What the cache of finished sound holds, and how often it had what was wanted."""

    hits: int = 0
    misses: int = 0
    bytes: int = 0
    entries: int = 0

    @property
    def hit_rate(self) -> float:
        """The share 0..1 of the requests that were answered out of the cache."""
        return self.hits / (self.hits + self.misses) if self.hits else 0.0


class Statistics:
    """Counters since the start and the last 512 latencies, in seconds."""

    def __init__(self) -> None:
        self.utterances = 0
        self.underruns = 0
        self.restarts = 0
        self.outcomes: dict[str, int] = {}
        self.cache = CacheFigures()
        self._audio_seconds = 0.0
        self._synthesis_seconds = 0.0
        self._first_audio: deque[float] = deque(maxlen=_KEPT)
        self._stop: deque[float] = deque(maxlen=_KEPT)

    def ended(self, outcome: str) -> None:
        """Count an utterance's end."""
        self.utterances += 1
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def underrun(self) -> None:
        """Count a moment in which the sound card got nothing although something was to be said."""
        self.underruns += 1

    def restarted(self) -> None:
        """Count a worker that was started again."""
        self.restarts += 1

    def first_audio(self, seconds: float) -> None:
        """Note the time from an utterance's turn (its call, when it is quiet) to its first sample."""
        self._first_audio.append(seconds)

    def stopped(self, seconds: float) -> None:
        """Note the time from a cancel to silence."""
        self._stop.append(seconds)

    def synthesised(self, audio_seconds: float, seconds: float) -> None:
        """Note how long the engine took for how much audio."""
        self._audio_seconds += audio_seconds
        self._synthesis_seconds += seconds

    def snapshot(self) -> dict[str, float | int]:
        """Return every figure under its published name; latencies in milliseconds."""
        figures: dict[str, float | int] = {
            "utterances": self.utterances,
            "underruns": self.underruns,
            "worker_restarts": self.restarts,
            "real_time_factor": self._synthesis_seconds / self._audio_seconds if self._audio_seconds else 0.0,
        }
        for name in ("hits", "misses", "bytes", "entries", "hit_rate"):
            figures[f"cache_{name}"] = getattr(self.cache, name)
        figures |= {f"outcome_{name}": count for name, count in self.outcomes.items()}
        for name, values in (("first_audio", self._first_audio), ("stop", self._stop)):
            for percent in _PERCENTILES:
                figures[f"{name}_ms_p{percent}"] = round(percentile(list(values), percent) * 1000, 2)
        return figures
