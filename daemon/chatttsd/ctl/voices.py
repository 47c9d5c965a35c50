"""`chatttsctl voices`: which voices there are, of which engine, for which languages."""

from argparse import Namespace
from dataclasses import asdict, dataclass
from typing import Any

from chatttsd.ctl import guard, output, session
from chatttsd.ctl.bus import connect
from chatttsd.ctl.exits import Exit
from chatttsd.ctl.target import choose


@dataclass(frozen=True, slots=True)
class Voice:
    """One entry of the property `Voices`."""

    id: str
    name: str
    engine: str
    languages: list[str]

    def speaks(self, language: str) -> bool:
        """Return whether one of its languages is `language` or a variety of it (`zh` takes `zh-TW`)."""
        wanted = language.lower()
        return any(tag.lower() == wanted or tag.lower().startswith(f"{wanted}-") for tag in self.languages)


def run(arguments: Namespace) -> int:
    """List the voices; exit code 1 when none speaks the language."""
    target = choose(arguments.system)

    async def work() -> int:
        async with connect(target, arguments.timeout) as speech:
            await guard.require(speech, target, start=True)
            return _show(read(await speech.property("Voices", start=True)), arguments)

    return session.run(work)


def read(entries: list[Any]) -> list[Voice]:
    """Return the voices of an `a(sssas)`."""
    return [Voice(*entry) for entry in entries]


def _show(voices: list[Voice], arguments: Namespace) -> int:
    chosen = [voice for voice in voices if not arguments.language or voice.speaks(arguments.language)]
    if arguments.json:
        output.record([asdict(voice) for voice in chosen])
    else:
        for row in table(chosen):
            output.line(row)
    if voices and not chosen:
        output.note("no voice speaks that language")
    return Exit.OK if chosen else Exit.FAILURE


def table(voices: list[Voice]) -> list[str]:
    """Return aligned lines: id, engine, languages, name."""
    rows = [(voice.id, voice.engine, ",".join(voice.languages), voice.name) for voice in voices]
    cleaned = [[output.clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cleaned) for column in range(3)] if cleaned else []
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]])
        for row in cleaned
    ]
