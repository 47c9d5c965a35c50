"""Dates, years, decades and ordinals."""

from typing import Final

from . import chinese, english
from .patterns import Match, compiled
from .speller import Speller, aside, in_order

_MONTHS: Final = in_order("""
    January February March April May June July August September October November December
""")
_SHORT: Final = {name[:3].lower(): index for index, name in enumerate(_MONTHS, 1)} | {"sept": 9}
_MONTH: Final = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
)
_DAY: Final = r"(?P<day>0?[1-9]|[12][0-9]|3[01])"
_YEAR: Final = r"(?P<year>(?:1[0-9]|20)[0-9]{2})"
_NO_MORE: Final = r"(?![0-9]|[.,:/][0-9]|[-/]?[A-Za-z])"

_ISO: Final = compiled(
    rf"(?<![0-9A-Za-z./-]){_YEAR}(?P<sign>[-/.])(?P<month>1[0-2]|0?[1-9])(?P=sign){_DAY}(?![0-9]|[./-][0-9])"
    r"(?:T(?=[0-9]{2}:[0-9]{2}))?"
)
_BEFORE: Final = compiled(rf"(?<![0-9./-])(?P<month>1[0-2]|0?[1-9])/{_DAY}(?=前|之前|以前|起|开始|截止)")
WEEKDAYS: Final = {
    name[:3]: name for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
}
_WEEKDAY: Final = compiled(
    rf"(?<![A-Za-z])(?P<name>Mon|Tues?|Wed|Thu(?:rs)?|Fri|Sat|Sun)(?![A-Za-z])\.?"
    rf"(?=,?[ ](?:[0-9]|{_MONTH}(?![A-Za-z])))"
)
_DUE: Final = compiled(
    rf"(?<=(?<![A-Za-z])(?:on|by|until|since|before|due) )(?P<month>1[0-2]|0?[1-9])/{_DAY}(?![0-9/]|[ ]of)",
    ignore_case=True,
)
_YEAR_MONTH: Final = compiled(
    rf"(?<![0-9A-Za-z./-]){_YEAR}-(?P<month>0[1-9]|1[0-2])(?![0-9A-Za-z/-]|\.[0-9])"
)
_SLASHED: Final = compiled(
    rf"(?<![0-9A-Za-z./-])(?P<first>[0-3]?[0-9])/(?P<second>[0-3]?[0-9])/{_YEAR}(?![0-9/])"
)
_OF_A_VERSION: Final = r"[Vv]ersion[ :]|[Rr]elease |[Bb]uild |版本号?[:：]?[ ]?|[升更][级新][到至]|浏览器|第"
_DOTTED: Final = compiled(
    rf"(?<![0-9A-Za-z./-]|{_OF_A_VERSION})(?P<second>[0-3]?[0-9])\.(?P<first>[0-3]?[0-9])"
    r"\.(?P<year>(?:19|20)[0-9]{2})(?![0-9A-Za-z/-]|\.[0-9])"
)
_MONTH_DAY: Final = compiled(
    rf"(?<![A-Za-z]){_MONTH} ?{_DAY}(?:st|nd|rd|th)?(?:(?:, ?| ){_YEAR})?{_NO_MORE}"
    r"(?! ?(?:people|of|%)|[-–][0-9])"
)
_DAY_MONTH: Final = compiled(
    rf"(?<![0-9A-Za-z.,])(?:[Tt]he )?{_DAY}(?:st|nd|rd|th)?(?: of)? {_MONTH}"
    rf"(?![A-Za-z])(?:(?:, ?| ){_YEAR})?"
)
_MONTH_YEAR: Final = compiled(rf"(?<![A-Za-z]){_MONTH} {_YEAR}{_NO_MORE}")
_CHINESE_DAY: Final = compiled(rf"(?<![0-9A-Za-z.])(?P<month>1[0-2]|0?[1-9])月{_DAY}(?P<name>[日号])")
_TO: Final = r"[ ]?[-–~—]{1,2}[ ]?"
_LAST: Final = r"(?P<last>0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?"
_DAYS: Final = compiled(
    rf"(?<![A-Za-z]){_MONTH} ?{_DAY}(?:st|nd|rd|th)?{_TO}{_LAST}"
    rf"(?:(?:, ?| ){_YEAR})?{_NO_MORE}(?! ?(?:people|of|%|[ap]\.?m(?![A-Za-z])))"
)
_DAYS_FIRST: Final = compiled(
    rf"(?<![0-9A-Za-z.,-])(?:[Tt]he )?{_DAY}(?:st|nd|rd|th)?{_TO}{_LAST}(?: of)? {_MONTH}"
    rf"(?![A-Za-z])(?:(?:, ?| ){_YEAR})?"
)
_TO_MONTH: Final = compiled(
    rf"(?<={_MONTH} ?[0-9]{{1,2}}(?:st|nd|rd|th)?(?:,? [0-9]{{4}})?){_TO}(?={_MONTH} ?[0-9])"
)
_TO_CHINESE: Final = compiled(
    rf"(?<=月[0-9]{{1,2}}[日号]){_TO}(?=(?:(?:[0-9]{{4}}年)?[0-9]{{1,2}}月)?[0-9]{{1,2}}[日号])"
)
_BIT_OF_MAY: Final = compiled(r"(?:[Ii]n|[Tt]his|[Ll]ast|[Nn]ext) $")
_OF_A_DECADE: Final = (
    "(?:music|pop|rock|disco|hits?|songs?|movies?|films?|fashion|style|kids?|bands?|cartoons?|nostalgia|vibes?"
    "|classics?)"
)
_LASTING: Final = "'?s[ -](?:timeout|delay|limit|interval|window|pause|wait|countdown|timer|mark|sprint)"
_DECADE: Final = compiled(
    r"(?:(?<![0-9A-Za-z])(?P<century>1[0-9]|20)(?P<tens>[0-9]0)|(?<![0-9A-Za-z])'(?P<short>[1-9]0)"
    rf"|(?<=(?:the|early|late|mid|his|her|their|my)[ -])(?P<age>[2-9]0)(?!{_LASTING})"
    rf"|(?<![0-9A-Za-z.,:])(?P<style>[2-9]0)(?='?s {_OF_A_DECADE}))'?s(?![A-Za-z])"
)
_ORDINAL: Final = compiled(
    r"(?<![0-9A-Za-z.,])(?P<number>[0-9]{1,6})(?:st|nd|rd|th)(?![A-Za-z])", ignore_case=True
)
_COPYRIGHT: Final = compiled(rf"(?P<sign>©|\([Cc]\)) ?(?={_YEAR}{_NO_MORE})")


def dates(text: str, speller: Speller) -> str:
    """Say dates in digits and with month names: `November twenty third, twenty twenty six`."""
    text = _WEEKDAY.sub(lambda found: WEEKDAYS[found["name"][:3]], text)
    text = _ranges(text, speller)
    text = _ISO.sub(lambda found: _date(found, speller), text)
    text = _SLASHED.sub(lambda found: _slashed(found, speller), text)
    text = _DOTTED.sub(lambda found: _slashed(found, speller), text)
    if speller.language == "zh":
        text = _BEFORE.sub(lambda found: _said(None, int(found["month"]), found["day"], speller), text)
    else:
        text = _DUE.sub(lambda found: _said(None, int(found["month"]), found["day"], speller), text)
    text = _YEAR_MONTH.sub(lambda found: _month_of_year(found, int(found["month"]), speller), text)
    text = _CHINESE_DAY.sub(lambda found: _chinese_day(found, speller), text)
    text = _DAY_MONTH.sub(lambda found: _day_month(found, speller), text)
    text = _MONTH_DAY.sub(lambda found: _month_day(found, speller), text)
    return _MONTH_YEAR.sub(lambda found: _month_of_year(found, _month(found), speller), text)


def _ranges(text: str, speller: Speller) -> str:
    """Say `Jan. 3-5` as `January third to fifth`; the dash between whole dates, too."""
    text = _TO_CHINESE.sub("至", _TO_MONTH.sub(aside(speller.signs["to"]), text))
    text = _DAYS_FIRST.sub(lambda found: _days(found, speller), text)
    return _DAYS.sub(lambda found: _days(found, speller), text)


def _days(found: Match, speller: Speller) -> str:
    first, last = found["day"], found["last"]
    if int(first) >= int(last) or _is_bit_of_may(found):
        return str(found[0])
    if speller.language == "zh":
        return _said(found["year"], _month(found), first, speller).rstrip() + f"至{chinese.cardinal(last)}日 "
    year = f", {speller.year(found['year'])}" if found["year"] else ""
    first, last, month = (english.ordinal(first), english.ordinal(last), _MONTHS[_month(found) - 1])
    if found.start("month") > found.start("day"):
        return aside(f"the {first} to the {last} of {month}{year}")
    return aside(f"{month} {first} to {last}{year}")


def _is_bit_of_may(found: Match) -> bool:
    """Tell the numbers of `In May 3-5 people left` from days."""
    if found["year"] is not None or not found[0][-1].isdigit():
        return False
    return _BIT_OF_MAY.search(found.string, max(0, found.start() - 5), found.start()) is not None


def _chinese_day(found: Match, speller: Speller) -> str:
    if speller.language == "en":
        return str(found[0])
    return f"{chinese.cardinal(found['month'])}月{chinese.cardinal(found['day'])}{found['name']}"


def _month(found: Match) -> int:
    return _SHORT[found["month"][:3].lower()]


def _date(found: Match, speller: Speller) -> str:
    tail = ", " if found[0].endswith("T") else ""
    return _said(found["year"], int(found["month"]), found["day"], speller) + tail


def _slashed(found: Match, speller: Speller) -> str:
    """Read slashes month first as in the United States and dots day first, unless that cannot be."""
    month, day = int(found["first"]), int(found["second"])
    if month > len(_MONTHS):
        month, day = day, month
    if not 0 < month <= len(_MONTHS) or not day:
        return str(found[0])
    return _said(found["year"], month, str(day), speller)


def _month_day(found: Match, speller: Speller) -> str:
    """Say `May 5` as a date, but not in `In May 5 people left`."""
    if _is_bit_of_may(found):
        return str(found[0])
    return _said(found["year"], _month(found), found["day"], speller)


def _day_month(found: Match, speller: Speller) -> str:
    if speller.language == "zh":
        return _said(found["year"], _month(found), found["day"], speller)
    year = f", {speller.year(found['year'])}" if found["year"] else ""
    return aside(f"the {english.ordinal(found['day'])} of {_MONTHS[_month(found) - 1]}{year}")


def _month_of_year(found: Match, month: int, speller: Speller) -> str:
    year = speller.year(found["year"])
    if speller.language == "zh":
        return aside(f"{year}年{chinese.cardinal(str(month))}月")
    return aside(f"{_MONTHS[month - 1]} {year}")


def _said(year: str | None, month: int, day: str, speller: Speller) -> str:
    if speller.language == "zh":
        said = f"{chinese.cardinal(str(month))}月{chinese.cardinal(day)}日"
        return aside(f"{chinese.spelt(year)}年{said}" if year else said)
    said = f"{_MONTHS[month - 1]} {english.ordinal(str(int(day)))}"
    return aside(f"{said}, {speller.year(year)}" if year else said)


def decades(text: str, speller: Speller) -> str:
    """Say `1990s` as `nineteen nineties`, `the '80s` as `the eighties`."""
    return _DECADE.sub(lambda found: _decade(found, speller), text)


def _decade(found: Match, speller: Speller) -> str:
    tens = found["tens"] or found["short"] or found["age"] or found["style"]
    century = found["century"]
    if speller.language == "zh":
        return aside(f"{chinese.spelt((century or '') + tens)}年代")
    if tens == "00":
        return aside(
            f"{english.cardinal(century + '00')}s"
            if century == "20"
            else f"{speller.cardinal(century)} hundreds"
        )
    head = f"{speller.cardinal(century)} " if century else ""
    return aside(head + english.plural(speller.cardinal(tens)))


def ordinals(text: str, speller: Speller) -> str:
    """Say `23rd` as `twenty third`; a copyright sign before a year is named."""
    text = _COPYRIGHT.sub({"zh": " 版权所有 ", "en": " copyright "}[speller.language], text)
    if speller.language == "zh":
        return _ORDINAL.sub(lambda found: aside(f"第{speller.cardinal(found['number'])}"), text)
    return _ORDINAL.sub(lambda found: aside(english.ordinal(found["number"])), text)
