"""The text front end, made once, and the table of what a good reader says."""

from functools import cache
from pathlib import Path

from chatttsd.engine.chattts.text import FrontEnd
from chatttsd.engine.chattts.text.speller import Rule, Speller

DATA = Path(__file__).parents[1] / "data"
TABLES = ("en", "zh", "mixed")


@cache
def front_end(emoji: str = "name") -> FrontEnd:
    return FrontEnd(emoji=emoji)


def say(text: str, language: str = "en", emoji: str = "name") -> str:
    return front_end(emoji).spoken(text, language).text


def heard(rule: Rule, text: str, speller: Speller) -> str:
    """Apply one rule and collapse the blanks that it sets around words."""
    return " ".join(rule(text, speller).split())


def table(name: str) -> list[tuple[str, str]]:
    """Read the pairs of one table: what is written, what is said."""
    lines = (DATA / "spoken" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line and not line.startswith("# what")]
    return [(written, said) for written, said in pairs]
