"""`chatttsctl status`: the unit, the daemon, and when something is wrong the next step."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Any, Final

from chatttsd.ctl import model_step, output, session, unit
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import Target, choose

_LINES: Final = (
    ("version", "Version"),
    ("state", "State"),
    ("engine", "Engine"),
    ("model", "ModelState"),
    ("reason", "Reason"),
    ("current", "Current"),
    ("queue", "QueueLength"),
    ("voice", "DefaultVoice"),
    ("rate", "Rate"),
    ("volume", "Volume"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What could be found out; `properties` is empty when the daemon does not answer, `fault` says why."""

    target: Target
    unit: unit.UnitState | None
    properties: dict[str, Any]
    fault: str
    bus: bool = True

    @property
    def running(self) -> bool:
        """Whether the daemon answered."""
        return bool(self.properties)

    @property
    def next_step(self) -> str:
        """What to type so that the daemon runs or ChatTTS speaks; empty when all is well or it has no bus."""
        if self.running:
            return model_step.next_step(self.properties)
        if not (self.bus or self.unit):
            return ""
        return unit.next_step(self.target, self.unit)


def run(arguments: Namespace) -> int:
    """Print the status; exit code 3 when the daemon does not run. Never starts it."""
    target = choose(arguments.system)

    async def work() -> int:
        report = await gather(target, arguments.timeout)
        if arguments.json:
            output.record(as_json(report))
        else:
            for line in lines(report):
                output.line(line)
        return Exit.OK if report.running else Exit.NOT_RUNNING

    return session.run(work)


async def gather(target: Target, timeout: float | None) -> Report:  # noqa: ASYNC109 - handed to each call
    """Ask systemd and the bus."""
    state = unit.show(target)
    try:
        async with connect(target, timeout) as speech:
            return await _ask(speech, target, state)
    except CommandError as error:
        return Report(target, state, {}, str(error), bus=False)


async def _ask(speech: Speech, target: Target, state: unit.UnitState | None) -> Report:
    try:
        if not await speech.running():
            return Report(target, state, {}, "chatttsd is not running")
        return Report(target, state, await speech.properties(), "")
    except CommandError as error:
        return Report(target, state, {}, str(error))


def as_json(report: Report) -> dict[str, Any]:
    """Return the report for `--json`."""
    return {
        "running": report.running,
        "unit": report.unit.as_json() if report.unit else None,
        "properties": report.properties,
        "fault": report.fault or None,
        "next_step": report.next_step or None,
    }


def lines(report: Report) -> list[str]:
    """Return the report for a person: one fact a line, only what is known."""
    facts = [("unit", report.unit.describe() if report.unit else f"no systemd {report.target.bus} manager")]
    if report.running:
        facts += _properties(report.properties)
    else:
        facts.append(("fault", report.fault))
    if report.next_step:
        facts.append(("next", report.next_step))
    if not report.running and report.unit is not None and report.unit.failed:
        facts.append(("why", report.target.journal()))
    width = max(len(name) for name, _ in facts)
    return [f"{output.clean(name):<{width}}  {output.clean(value)}" for name, value in facts]


def _properties(properties: dict[str, Any]) -> list[tuple[str, str]]:
    shown = [(label, output.clause(properties.get(name, ""))) for label, name in _LINES]
    facts = [(label, value) for label, value in shown if value]
    if "Voices" in properties:
        facts.append(("voices", str(len(properties["Voices"]))))
    figures = dict(properties.get("Statistics", {}))
    detail = output.clause(figures.pop("engine_detail", ""))
    facts += [("runs on", detail)] if detail else []
    return facts + [(name, _number(value)) for name, value in figures.items()]


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
