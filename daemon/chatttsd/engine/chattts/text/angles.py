"""Angles in degrees, minutes and seconds: `39°54′20″ N`."""

from typing import Final

from .patterns import Match, compiled
from .speller import NUMBER, Speller, aside

_ANGLE: Final = compiled(
    rf"(?<![0-9A-Za-z_.])(?P<degrees>{NUMBER})°[ ]?(?P<minutes>[0-5]?[0-9](?:\.[0-9]+)?)'"
    r"(?:[ ]?(?P<seconds>[0-5]?[0-9](?:\.[0-9]+)?)(?:\"|''))?(?:[ ]?(?P<side>[NESW])(?![A-Za-z0-9']))?"
)
_SIDES: Final = {"N": ("north", "北纬"), "S": ("south", "南纬"), "E": ("east", "东经"), "W": ("west", "西经")}


def angles(text: str, speller: Speller) -> str:
    """Say the minutes and seconds of an angle, which look like feet and inches."""
    return _ANGLE.sub(lambda found: aside(_angle(found, speller)), text)


def _angle(found: Match, speller: Speller) -> str:
    parts = [found["degrees"], found["minutes"], found["seconds"]]
    if speller.language == "zh":
        side = _SIDES[found["side"]][1] if found["side"] else ""
        names = zip(parts, "度分秒", strict=True)
        return side + "".join(f"{speller.number(part)}{name}" for part, name in names if part)
    side = f" {_SIDES[found['side']][0]}" if found["side"] else ""
    named = zip(parts, ("degree", "minute", "second"), strict=True)
    said = [f"{speller.number(part)} {name}{'' if part == '1' else 's'}" for part, name in named if part]
    return " ".join(said) + side
