"""Bounds of everything a client can make the daemon hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sender, and all senders together, may ask for; the configuration's `[limits]`."""

    text_characters: int = 100_000
    calls_per_second: float = 50.0
    call_burst: int = 100
    queued_per_sender: int = 64
    queued_total: int = 512
    waits_per_sender: int = 256
