"""Money, measures, percentages and ranges of numbers."""

import re
from typing import Final

from .amounts import AMOUNT, amount, is_power, shortened
from .chinese import counted
from .patterns import Match, compiled
from .speller import NUMBER, Speller, aside, is_one, plain
from .units import CENTS, CURRENCIES, SCALES, UNITS, Unit

_SIGN: Final = r"(?:(?<![0-9A-Za-z)%^])(?P<sign>[-+]))?"
_START: Final = r"(?<![0-9A-Za-z_.,^])"
_SYMBOLS: Final = r"(?:US|HK|NT|CA|AU|[CA])?\$|(?:CN|JP)?¥|[€£₩₹₽₿]"
_CODES: Final = "|".join(sorted((code for code in CURRENCIES if code.isalpha()), key=len, reverse=True))
_SCALE: Final = (
    r"(?:[ ]?(?P<scale>thousand|million|billion|trillion|bn|mn|[kKmMBT])(?![A-Za-z0-9])|(?P<wan>[万亿千]+))?"
)
_MONEY: Final = compiled(
    rf"(?<![0-9A-Za-z_.,])(?P<sign>[-+])?(?P<symbol>{_SYMBOLS})[ ]?(?P<number>{AMOUNT}){_SCALE}"
    r"(?P<unit>[ ]?(?:元|美元|dollars?))?"
)
_CODED: Final = compiled(
    rf"{_START}(?P<number>{AMOUNT}){_SCALE}[ ]?(?P<symbol>{_CODES})(?![A-Za-z0-9])"
    rf"|(?<![A-Za-z0-9])(?P<symbol>{_CODES})[ ]?(?P<number>{AMOUNT}){_SCALE}"
)
_NAMES: Final = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
_NO_MODEL: Final = r"(?!(?<=(?:iPhone|iPad|Redmi|小米|红米)[ ]?)[0-9]{1,2}s)"
_MEASURE: Final = compiled(
    rf"(?<![A-Za-z0-9_.^]|\^[-+]){_NO_MODEL}{_SIGN}(?P<number>{AMOUNT})(?:[ -]?(?P<unit>{_NAMES}))"
    rf"(?:/(?P<per>{_NAMES})(?P<squared>\^2)?)?(?![A-Za-z0-9_^'+]|-[0-9])"
)
_NOT_APART: Final = frozenset(("V", "W", "MW", "us", "um", "mi", "l"))
"""Units that may be words too: they stand right behind their number."""

_PERCENT: Final = compiled(rf"(?<![A-Za-z0-9_.^]|\^[-+]){_SIGN}(?P<number>{AMOUNT})[ ]?(?P<mark>[%‰])")
_UNIT: Final = r"(?:%|‰|°[CF]?|[万亿千百元岁年月日天点分秒个人米度]{1,2}|[A-Za-zμ]{1,4}(?![A-Za-z]))?"
_RANGE: Final = compiled(
    rf"(?<![0-9A-Za-z_.,+*/×÷=^-])(?P<money>[$€£¥])?(?P<low>-?{NUMBER})(?P<unit>{_UNIT})"
    rf"(?P<dash>[ ]?[-–~—]{{1,2}}[ ]?)"
    rf"(?P<other>[$€£¥])?(?P<high>-?{NUMBER})(?![0-9A-Za-z]*[-–/:][0-9]|[ ]?[=+×÷]|\.[0-9])"
)
_YEAR: Final = compiled(r"(?:1[0-9]|20)[0-9]{2}")
_ABOUT: Final = compiled(rf"(?:(?<![0-9A-Za-z%])~|(?<![0-9A-Za-z%)][ ]?)≈)[ ]?(?=[$€£¥-]?{NUMBER})")
_FEET: Final = compiled(
    r"(?<![0-9A-Za-z.])(?P<feet>[1-9])'[ ]?(?P<inches>[0-9]|1[01])(?:\"|'')?(?![0-9A-Za-z])"
)
_INCHES: Final = compiled(rf"(?<![0-9A-Za-z_.,'])(?P<number>{NUMBER})\"(?=[ ]?[a-z\u4e00-\u9fff])")
_QUOTATION: Final = 200
"""Characters; how far back an opening quotation mark is looked for."""
_EACH: Final = compiled(r"(?<=[元块度])[ ]?/(?=[\u4e00-\u9fff])")
_PER_UNIT: Final = compiled(rf"(?<=每)(?:{_NAMES})(?![A-Za-z0-9^])")
_ARTICLE: Final = compiled(r"(?<![A-Za-z])an?[ ]$", ignore_case=True)
_NOUN: Final = compiled(r"[ ][A-Za-z]")
_CHILLY: Final = frozenset(("摄氏度", "华氏度", "度"))
_DEGREES: Final = compiled(
    rf"(?<![0-9A-Za-z\u4e00-\u9fff)%.,]|[0-9][ ])-(?P<number>{NUMBER})[ ]?度"
    rf"|(?<=[\u4e00-\u9fff])-(?P<number>{NUMBER})[ ]?度"
)


def ranges(text: str, speller: Speller) -> str:
    """Say the dash of `5-10` and `10%~60%`; the numbers are left to other rules, years are said."""
    return _RANGE.sub(lambda found: _range(found, speller), text)


def _range(found: Match, speller: Speller) -> str:
    low, high, unit = found["low"], found["high"], found["unit"]
    hyphen = found["dash"].strip() in ("-", "--")
    if hyphen and (found["dash"] != found["dash"].strip() or float(plain(low)) >= float(plain(high))):
        return str(found[0])
    to = speller.signs["to"]
    after = found.string[found.end() : found.end() + 1]
    if (
        _YEAR.fullmatch(low)
        and _YEAR.fullmatch(high)
        and not unit
        and (speller.language == "en" or after == "年")
    ):
        return aside(f"{speller.year(low)} {to} {speller.year(high)}")
    if found["money"] and not found["other"]:
        return f"{low} {to} {found['money']}{high}"
    if speller.language == "zh" and not unit and after in "%‰":
        unit = after
    return f"{found['money'] or ''}{low}{unit} {to} {found['other'] or ''}{high}"


def about(text: str, speller: Speller) -> str:
    """Say `~5` as `about five`, `5'10"` as feet and inches."""
    text = _INCHES.sub(lambda found: _inches(found, speller), text)
    if speller.language == "en":
        text = _FEET.sub(
            lambda found: f" {speller.number(found['feet'])} foot {speller.number(found['inches'])} ", text
        )
    return _ABOUT.sub(aside(speller.signs["about"]), text)


def _inches(found: Match, speller: Speller) -> str:
    """Take `27"` for inches unless a quotation ends there."""
    quotes = found.string.count('"', max(0, found.start() - _QUOTATION), found.start())
    if quotes % 2:
        return str(found[0])
    name = {"zh": "英寸", "en": " inch"}[speller.language]
    return aside(f"{speller.number(plain(found['number']))}{name}")


def money(text: str, speller: Speller) -> str:
    """Say `$3.50` as `three dollars and fifty cents`, `¥100` as 一百元."""
    text = _MONEY.sub(lambda found: _money(found, speller), text)
    return _CODED.sub(lambda found: _money(found, speller), text)


def _money(found: Match, speller: Speller) -> str:
    number, unit = plain(found["number"]), CURRENCIES[found["symbol"]]
    sign = _sign(found.groupdict().get("sign"), speller)
    tail = (
        ""
        if found["wan"] or found["scale"] is None
        else SCALES[found["scale"].lower()][speller.language == "zh"]
    )
    if speller.language == "zh":
        shown = shortened(number)
        scale = (found["wan"] or "") + tail
        return aside(f"{sign}{counted(shown, amount(shown, speller))}{scale}{unit.chinese}")
    scale = f" {tail}" if tail else found["wan"] or ""
    if not scale and found["symbol"][-1] in CENTS and _CENTS.fullmatch(number):
        return aside(sign + _cents(number, unit, CENTS[found["symbol"][-1]], speller))
    one = (is_one(number) and not scale) or _is_adjective(found)
    return aside(f"{sign}{amount(number, speller)}{scale} {unit.one if one else unit.many}")


_CENTS: Final = compiled(r"[0-9]+\.[0-9]{2}")


def _cents(number: str, unit: Unit, cents: tuple[str, str], speller: Speller) -> str:
    whole, _, rest = number.partition(".")
    said = []
    if int(whole) or not int(rest):
        said.append(f"{speller.cardinal(whole)} {unit.one if is_one(whole) else unit.many}")
    if int(rest):
        said.append(f"{speller.cardinal(rest)} {cents[int(rest) != 1]}")
    return " and ".join(said)


def percent(text: str, speller: Speller) -> str:
    """Say `40%` as `forty percent`, 百分之四十."""
    return _PERCENT.sub(lambda found: _percent(found, speller), text)


def _percent(found: Match, speller: Speller) -> str:
    number, sign = plain(found["number"]), _sign(found["sign"], speller)
    if speller.language == "zh":
        share = {"%": "百分之", "‰": "千分之"}[found["mark"]]
        said = "百" if number == "100" else amount(number, speller)
        return aside(f"{sign}{share}{said}")
    return aside(f"{sign}{amount(number, speller)} {'percent' if found['mark'] == '%' else 'per mille'}")


def measures(text: str, speller: Speller) -> str:
    """Say units: `20km/h` is `twenty kilometers per hour`, 20 公里每小时."""
    text = _MEASURE.sub(lambda found: _measure(found, speller), text)
    if speller.language == "zh":
        text = _EACH.sub("每", text)
        text = _PER_UNIT.sub(lambda found: UNITS[found[0]].chinese, text)
        text = _DEGREES.sub(lambda found: aside(f"零下{speller.number(found['number'])}度"), text)
    return text


def _measure(found: Match, speller: Speller) -> str:
    name, number = found["unit"], plain(found["number"])
    alone = not is_power(number) and not found["per"]
    if name in _NOT_APART and alone and found[0][found.end("number") - found.start()] == " ":
        return str(found[0])
    unit, per = UNITS[name], UNITS.get(found["per"] or "")
    if speller.language == "zh":
        cold = found["sign"] == "-" and unit.chinese in _CHILLY
        sign = "零下" if cold else _sign(found["sign"], speller)
        rate = f" 每{'二次方' if found['squared'] else ''}{per.chinese}" if per else ""
        return aside(f"{sign}{counted(number, amount(number, speller))} {unit.chinese}{rate}")
    singular = is_one(number) or _is_adjective(found)
    rate = f" per {per.one}{' squared' if found['squared'] else ''}" if per else ""
    said = _sign(found["sign"], speller) + amount(number, speller)
    return aside(f"{said} {unit.one if singular else unit.many}{rate}")


def _is_adjective(found: Match) -> bool:
    """Tell whether the amount describes a noun: `a 10MB file`."""
    article = _ARTICLE.search(found.string, max(0, found.start() - 4), found.start())
    return article is not None and _NOUN.match(found.string, found.end()) is not None


def _sign(sign: str | None, speller: Speller) -> str:
    if sign is None:
        return ""
    plus = {"zh": "正", "en": "plus"}[speller.language]
    return aside(plus if sign == "+" else speller.signs["minus"])
