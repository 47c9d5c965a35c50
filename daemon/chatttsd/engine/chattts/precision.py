"""Which precision and kernels the GPT's linear layers run in, and why in words for people."""

from dataclasses import dataclass
from typing import Final

from chatttsd.engine.chattts.api import ModelError, Precision
from chatttsd.engine.chattts.cpu import Cpu

AUTO: Final = "auto"
NATIVE: Final = "compiled"
TORCH: Final = "torch"


@dataclass(frozen=True, slots=True)
class Choice:
    """How the model runs; `why` is for people."""

    precision: Precision
    device: str
    kernels: str
    """`compiled` (see `native`) or `torch`."""
    why: str

    @property
    def detail(self) -> str:
        """One line: precision, device, kernels, why."""
        return f"{self.precision} weights on {self.device}, {self.kernels} kernels: {self.why}"


def asked_precision(asked: str) -> Precision | None:
    """Return the precision that the settings name, None for `auto`; raises ModelError for another word."""
    if asked == AUTO:
        return None
    try:
        return Precision(asked)
    except ValueError:
        allowed = ", ".join((AUTO, *Precision))
        raise ModelError(f"precision: got {asked!r}, allowed are {allowed}") from None


def choose_for_cpu(asked: str, cpu: Cpu, problem: str | None) -> Choice:
    """Choose for a CPU; `problem` is why compiled kernels cannot be used, if so. Raises ModelError."""
    wanted = asked_precision(asked)
    precision = wanted or Precision.INT8
    reasons = ["as configured" if wanted else "int8 is the fastest that keeps the voice"]
    if problem is not None:
        reasons.append(f"no compiled kernels, {problem}")
        return Choice(precision, "cpu", TORCH, "; ".join(reasons))
    if precision in (Precision.INT8, Precision.INT4):
        reasons.append(f"the CPU has {cpu.dot_products}")
    return Choice(precision, "cpu", NATIVE, "; ".join(reasons))


def choose_for_cuda(asked: str) -> Choice:
    """Choose for a CUDA device. Raises ModelError."""
    wanted = asked_precision(asked)
    why = "as configured" if wanted else "half of float32's memory traffic, positions stay float32"
    return Choice(wanted or Precision.BF16, "cuda", TORCH, why)
