"""What a check returns."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact: `fail` keeps chatttsd from speaking, `warn` may explain a surprise."""

    level: Level
    what: str
    detail: str
    mend: str = ""

    def line(self) -> str:
        """Return the finding behind its level, with the way to mend it."""
        mend = f"  -> {self.mend}" if self.mend else ""
        return f"{self.what}: {self.detail}{mend}"

    def as_json(self) -> dict[str, Any]:
        """Return the finding for `--json`."""
        return asdict(self)


def ok(what: str, detail: str) -> Finding:
    """Make a finding that all is well."""
    return Finding("ok", what, detail)


def warn(what: str, detail: str, mend: str = "") -> Finding:
    """Make a finding that may explain a surprise."""
    return Finding("warn", what, detail, mend)


def fail(what: str, detail: str, mend: str = "") -> Finding:
    """Make a finding that keeps chatttsd from speaking."""
    return Finding("fail", what, detail, mend)
