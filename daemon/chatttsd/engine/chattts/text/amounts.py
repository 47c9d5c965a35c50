"""Amounts in front of a unit: a number, or a power of one as in `3×10^8 m/s`."""

from typing import Final

from .patterns import compiled
from .speller import NUMBER, Speller, plain

_EXPONENT: Final = r"\^[-+]?[0-9]{1,4}(?![0-9])"
AMOUNT: Final = rf"(?:(?:{NUMBER}[ ]?[×x*·][ ]?)?{NUMBER}{_EXPONENT}|{NUMBER})"
"""Has no group of its own."""
_POWER: Final = compiled(
    rf"(?:(?P<factor>{NUMBER})[ ]?[×x*·][ ]?)?(?P<base>{NUMBER})\^(?P<exponent>[-+]?[0-9]{{1,4}})"
)


def amount(written: str, speller: Speller) -> str:
    """Say an `AMOUNT`; nothing is squared, as `ten squared kilometers` would be an area."""
    found = _POWER.fullmatch(written)
    if not found:
        return speller.number(written)
    chinese = speller.language == "zh"
    factor = f"{speller.number(found['factor'])} {'乘' if chinese else 'times'} " if found["factor"] else ""
    minus = f"{speller.signs['minus']} " if found["exponent"].startswith("-") else ""
    exponent = minus + speller.cardinal(found["exponent"].lstrip("+-"))
    base = speller.number(found["base"])
    return f"{factor}{base}的{exponent}次方" if chinese else f"{factor}{base} to the power of {exponent}"


def is_power(written: str) -> bool:
    """Tell whether an amount is a power, behind which only a unit stands."""
    return "^" in written


def shortened(written: str) -> str:
    """Return an amount without its thousands commas and the zeros at the end of its decimals."""
    number = plain(written)
    if is_power(number) or "." not in number:
        return number
    return number.rstrip("0").rstrip(".")
