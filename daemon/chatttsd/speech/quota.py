"""How many calls a sender may make: one token bucket a sender, the time passed in."""

from dataclasses import dataclass

from chatttsd.speech.limits import Limits


@dataclass(slots=True)
class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` a second; what a call costs is taken from them."""

    rate: float
    burst: float
    tokens: float
    updated: float

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Take `cost` tokens at time `now` (seconds, never going back) if there is one, owing the rest."""
        self.tokens = min(self.burst, self.tokens + (now - self.updated) * self.rate)
        self.updated = now
        if self.tokens < 1.0:
            return False
        self.tokens -= cost
        return True


class CallQuota:
    """Token buckets by sender (a unique bus name); `forget` one when it leaves the bus."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.rule = f"{limits.calls_per_second:g} a second, {limits.call_burst} at once"
        """What is allowed, in words."""
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def admit(self, sender: str, now: float, cost: float = 1.0) -> bool:
        """Count a call of `sender` at time `now`; False when it is over its rate."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            burst = float(self._limits.call_burst)
            bucket = TokenBucket(self._limits.calls_per_second, burst, burst, now)
            self._buckets[sender] = bucket
        return bucket.take(now, cost)

    def forget(self, sender: str) -> None:
        """Drop what is remembered of a sender; one that never called is fine."""
        self._buckets.pop(sender, None)
