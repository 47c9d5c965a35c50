"""Fractions, scores, formulas, negative numbers, Roman numerals and Greek letters."""

from collections.abc import Mapping
from typing import Final

from . import english
from .comparisons import COMPARISONS
from .patterns import Match, compiled
from .speller import NUMBER, Speller, aside, in_order, plain

_FRACTION: Final = compiled(
    r"(?<![0-9A-Za-z./:-])(?:(?P<whole>[0-9]{1,3}) )?(?P<above>[0-9]{1,4})/(?P<below>[0-9]{1,4})"
    r"(?![0-9A-Za-z/]|[.,:-][0-9])"
)
_SET: Final = {
    ("24", "7"): ("twenty four seven", "七乘二十四"),
    ("50", "50"): ("fifty fifty", "五五"),
    ("9", "11"): ("nine eleven", "九一一"),
}
_DENOMINATORS: Final = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100, 1000))
_BELOW: Final = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_HUNDRED: Final = "100"
_PRESSURE: Final = 60
"""At least this over something is two readings, as of blood pressure, and no fraction."""
_OUT_OF: Final = compiled(
    r"(?<![0-9A-Za-z./:-])(?P<one>[0-9]{1,3}\.[0-9]{1,2})/(?P<all>[0-9]{1,3})(?![0-9A-Za-z/]|[.,:-][0-9])"
)
_EVEN: Final = compiled(r"(?<![0-9A-Za-z.-])50-50(?![0-9-])")
_CHAIN: Final = compiled(
    r"(?<![0-9A-Za-z.+*/×÷=-])[0-9]{1,4}(?:-[0-9]{1,4}){2}(?![0-9A-Za-z/=-]|[ ]?=|\.[0-9])"
)
_BY: Final = compiled(
    r"(?<![0-9A-Za-z.])(?P<one>[1-9][0-9]{0,4})[xX×](?P<other>[0-9]{1,5})(?![0-9A-Za-z^])(?P<equals>[ ]?=)?"
)
_PLACE: Final = compiled(
    r"(?<=(?:[Tt]able|[Ff]igures?|[Ss]ection|[Cc]hapter|[Ee]xhibit|图|表)[ ]?)(?P<one>[0-9]{1,3})"
    r"-(?P<other>[0-9]{1,3})(?![0-9-])"
)
_SCIENTIFIC: Final = compiled(
    r"(?<![0-9A-Za-z_.])(?P<number>[0-9]+(?:\.[0-9]+)?)[eE](?P<power>[-+]?[0-9]{1,3})(?![0-9A-Za-z_.-])"
)
_NAMED_DAY: Final = compiled(r"(?<![0-9])(?P<month>[0-9]{1,2})·(?P<day>[0-9]{1,2})(?![0-9])")
_RATIO: Final = compiled(
    r"(?<![0-9A-Za-z.:,])(?P<one>[0-9]{1,4}):(?P<other>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})"
    r"(?![0-9A-Za-z:]|[.,][0-9])"
)
_VALUE: Final = r"(?:[0-9)]|(?<![A-Za-z])[A-Za-z]|(?<![A-Za-z])(?:pi|[α-ωΑ-Ω]))"
_NEXT: Final = r"(?=[ ]?-?(?:[0-9(]|[A-Za-z](?![A-Za-z])|[α-ω]))"
_OPERATOR: Final = compiled(
    rf"(?<={_VALUE}|[\u4e00-\u9fff])(?P<space>[ ]?)(?P<sign><=|>=|!=|==|[-+×*÷=<>≤≥≠≈±])"
    rf"(?P<after>[ ]?){_NEXT}"
    r"|(?<=[\^%A-Za-z0-9])(?P<sign>=)(?P<after>)(?=[A-Za-z0-9-])"
)
_ALWAYS: Final = compiled(r"[×÷≤≥≠≈±√∞∑∆≡∝]|(?<=[0-9])[+=]|[+=](?=[ ]?[0-9])")
_OPERATORS: Final[Mapping[str, tuple[str, str]]] = {
    "+": ("plus", "加"),
    "-": ("minus", "减"),
    "×": ("times", "乘"),
    "*": ("times", "乘"),
    "÷": ("divided by", "除以"),
    "=": ("equals", "等于"),
    **COMPARISONS,
    "≈": ("approximately", "约等于"),
    "±": ("plus or minus", "正负"),
    "√": ("square root of", "根号"),
    "∞": ("infinity", "无穷大"),
    "∑": ("sum of", "求和"),
    "∆": ("delta", "德尔塔"),
    "≡": ("is identical to", "恒等于"),
    "∝": ("is proportional to", "正比于"),
}
_SCORE: Final = compiled(r"[0-9]{1,3}(?![0-9]|\.[0-9]|[ ]?[-+*×÷=])")
"""What is behind the dash of `3-3`, which is no subtraction."""
_POWER: Final = compiled(r"(?<=[A-Za-z0-9)])\^(?P<power>[-+]?[0-9]{1,4})")
_POWERS: Final = {"2": ("squared", "的平方"), "3": ("cubed", "的立方")}
_NEGATIVE: Final = compiled(rf"(?<![0-9A-Za-z)%\]_.-])(?P<sign>[-+])(?={NUMBER})")
_SERIES: Final = (
    "歼|歼轰|轰|运|直|教|东风|巨浪|红旗|鹰击|霹雳|长征|嫦娥|神舟|天宫|天舟|天问|北斗|风云|高分|实践|翼龙"
    "|彩虹|无侦|苏|米格|图|新冠|方案|附件|附录|附图|附表|案例|报告|页面|样例|样本|图表"
)
"""What has a number behind a hyphen that is none to count with: 歼-20. Elsewhere it is below zero."""
_NAMED: Final = compiled(
    rf"(?<={_SERIES})-(?P<number>[0-9]{{1,4}})(?![0-9]|[.,~到至][0-9]|[ ]?[万亿千元度点分吨美倍%‰])"
)
_BOTH_NAMED: Final = compiled(r"(?<=[0-9](?P<what>[号楼层页章期栋班]))[ ]?[-–~—][ ]?(?=[0-9]+(?P=what))")
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50}
_ROMAN: Final = r"(?P<roman>X{0,3}(?:IX|IV|V?I{0,3}))(?<=[IVX])(?![A-Za-z0-9']|[ ][A-Z](?![a-z]))"
_MONARCH: Final = compiled(
    r"(?<![A-Za-z])(?P<name>Louis|Henry|George|Elizabeth|Charles|James|Edward|William|Richard|Philip|Napoleon|Pius"
    rf"|Benedict|Francis|Gregory|Leo|Nicholas|Alexander|Peter|Catherine|Ramesses|Xerxes|Darius"
    rf"|Otto|Wilhelm|John Paul) {_ROMAN}"
)
_NUMBERED: Final = compiled(
    r"(?<![A-Za-z])(?P<name>Chapter|Part|Section|Act|Scene|Book|Volume|Vol\.|Appendix|Article|Phase|Type|Level|Stage"
    rf"|Class|Title|Group|Unit|Table|War|Fantasy|Apollo|Super Bowl|Mark|Grade|Tier|Episode|Season) {_ROMAN}"
)
_CHINESE_NUMBERED: Final = compiled(rf"(?<=第 ?){_ROMAN}")
_GREEK: Final = compiled(r"(?<![\p{Greek}])\p{Greek}(?!\p{Greek})")
_GREEK_NAMES: Final = in_order("""
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma
    tau upsilon phi chi psi omega
""")
_GREEK_CHINESE: Final = in_order("""
    阿尔法 贝塔 伽马 德尔塔 艾普西隆 泽塔 伊塔 西塔 约塔 卡帕 兰姆达 缪 纽 克西 奥米克戎 派 柔 西格玛 西格玛
    陶 宇普西隆 斐 凯 普西 欧米伽
""")
_ALPHA: Final = ord("α")


def _chinese(speller: Speller) -> bool:
    return speller.language == "zh"


def fractions(text: str, speller: Speller) -> str:
    """Say `3/8` as `three eighths`, 八分之三."""
    text = _OUT_OF.sub(lambda found: _out_of(found, speller), text)
    return _FRACTION.sub(lambda found: _fraction(found, speller), text)


def _out_of(found: Match, speller: Speller) -> str:
    one, whole = speller.number(found["one"]), speller.number(found["all"])
    return aside(f"{whole}分之{one}" if _chinese(speller) else f"{one} out of {whole}")


def _fraction(found: Match, speller: Speller) -> str:
    whole, above, below = found["whole"], found["above"], found["below"]
    if not whole and (above, below) in _SET:
        return aside(_SET[above, below][_chinese(speller)])
    if not whole and _shares(int(above), int(below)):
        between = "比" if _chinese(speller) else " "
        return aside(f"{speller.number(above)}{between}{speller.number(below)}")
    if _chinese(speller):
        if int(above) > max(int(below), _PRESSURE):
            return aside(f"{speller.number(above)}比{speller.number(below)}")
        head = f"{speller.cardinal(whole)}又" if whole else ""
        return aside(f"{head}{speller.number(below)}分之{speller.number(above)}")
    if below == _HUNDRED and not whole:
        return aside(f"{speller.number(above)} out of {speller.number(below)}")
    if int(below) not in _DENOMINATORS or not int(above):
        head = f"{speller.cardinal(whole)} " if whole else ""
        return aside(f"{head}{speller.number(above)} over {speller.number(below)}")
    return aside(_english_fraction(whole, above, int(below)))


def _shares(above: int, below: int) -> bool:
    """Tell the two shares of a whole, as of the 80/20 rule, from a fraction."""
    return above + below == int(_HUNDRED) and above > below > 0 and not below % 5


def _english_fraction(whole: str | None, above: str, below: int) -> str:
    name = english.ordinal(str(below))
    one, many = _BELOW.get(below, (name, english.plural(name)))
    part = f"{english.cardinal(above)} {one if above == '1' else many}"
    if not whole:
        return part
    return f"{english.cardinal(whole)} and {f'a {one}' if above == '1' else part}"


def ratios(text: str, speller: Speller) -> str:
    """Say `3:2` as `three to two`, 三比二."""
    to = "比" if _chinese(speller) else "to"
    text = _EVEN.sub(" fifty fifty " if to == "to" else "五五", text)
    text = _CHAIN.sub(
        lambda found: aside(", ".join(speller.number(one) for one in found[0].split("-"))), text
    )
    return _RATIO.sub(
        lambda found: aside(f"{speller.number(found['one'])} {to} {speller.number(found['other'])}"), text
    )


def formulas(text: str, speller: Speller) -> str:
    """Say the signs between numbers and single letters, and powers."""
    text = _NAMED_DAY.sub(lambda found: aside(speller.digits(found["month"] + found["day"])), text)
    text = _POWER.sub(lambda found: _power(found["power"], speller), text)
    text = _OPERATOR.sub(lambda found: _operator(found, speller), text)
    return _ALWAYS.sub(lambda found: aside(_OPERATORS[found[0]][_chinese(speller)]), text)


def _operator(found: Match, speller: Speller) -> str:
    sign = found["sign"]
    if sign == "-" and _is_score(found):
        return aside("比" if _chinese(speller) else "to")
    if sign == "-" and (not found["after"] and found["space"]):
        return str(found[0])
    before = found.string[found.start() - 1]
    if sign in "-+*<>" and "\u4e00" <= before <= "\u9fff":
        return str(found[0])
    if sign == "-" and not (found["space"] or before in "0123456789)"):
        return str(found[0])
    return aside(_OPERATORS[sign][_chinese(speller)])


def _is_score(found: Match) -> bool:
    spaced = found["space"] or found["after"]
    digit = found.string[found.start() - 1].isdigit()
    return digit and not spaced and _SCORE.match(found.string, found.end()) is not None


def _by(found: Match, speller: Speller) -> str:
    """Say a size with `by`, a multiplication with `times`."""
    if found["equals"]:
        return f"{found['one']}×{found['other']}{found['equals']}"
    by = "乘" if _chinese(speller) else "by"
    return aside(f"{speller.code(found['one'])} {by} {speller.code(found['other'])}")


def notations(text: str, speller: Speller) -> str:
    """Write `6.02e23` as a power of ten; say the x of `1920x1080`."""
    dash = aside(speller.signs["-"])
    text = _PLACE.sub(lambda found: f"{found['one']}{dash}{found['other']}", text)
    text = _BY.sub(lambda found: _by(found, speller), text)
    return _SCIENTIFIC.sub(r"\g<number> × 10^\g<power>", text)


def _power(power: str, speller: Speller) -> str:
    if power in _POWERS:
        return aside(_POWERS[power][_chinese(speller)])
    sign = aside(speller.signs["minus"]) if power.startswith("-") else ""
    said = sign + speller.cardinal(power.lstrip("+-"))
    return aside(f"的{said}次方" if _chinese(speller) else f"to the power of {said}")


def negatives(text: str, speller: Speller) -> str:
    """Say the sign in front of a number that nothing is taken from; the hyphen of 歼-20 is none."""
    plus = {"zh": "正", "en": "plus"}[speller.language]
    text = _BOTH_NAMED.sub("至", text)
    text = _NAMED.sub(lambda found: aside(speller.code(found["number"])), text)
    return _NEGATIVE.sub(lambda found: aside(plus if found["sign"] == "+" else speller.signs["minus"]), text)


def roman_numerals(text: str, speller: Speller) -> str:
    """Say `Chapter IV` as `Chapter four` and `Henry VIII` as `Henry the eighth`."""
    text = _CHINESE_NUMBERED.sub(lambda found: speller.cardinal(_value(found["roman"])), text)
    text = _MONARCH.sub(lambda found: f"{found['name']} the {english.ordinal(_value(found['roman']))}", text)
    return _NUMBERED.sub(lambda found: f"{found['name']} {speller.cardinal(_value(found['roman']))}", text)


def _value(roman: str) -> str:
    values = [_ROMAN_VALUES[letter] for letter in roman]
    following = [*values[1:], 0]
    return str(sum(-one if one < after else one for one, after in zip(values, following, strict=True)))


def greek_letters(text: str, speller: Speller) -> str:
    """Name a Greek letter that stands alone."""
    names = _GREEK_CHINESE if _chinese(speller) else _GREEK_NAMES
    return _GREEK.sub(lambda found: _greek(found[0], names), text)


def _greek(letter: str, names: tuple[str, ...]) -> str:
    index = ord(letter.lower()) - _ALPHA
    return aside(names[index]) if 0 <= index < len(names) else letter


def thousands(text: str, speller: Speller) -> str:
    """Say `1,234,567`: it is no year."""
    return _THOUSANDS.sub(lambda found: aside(speller.number(plain(found[0].rstrip("-")))), text)


def grouped(text: str, speller: Speller) -> str:
    """Write `1 000 000` and `10'000` with commas."""
    del speller
    return _GROUPED.sub(lambda found: found[0].replace(" ", ",").replace("'", ","), text)


_GROUPED: Final = compiled(
    r"(?<![0-9A-Za-z.,'/:-]|[0-9][ ]|(?:电话|[账帐]号|密码|卡号|手机|号码|编号)[ :：]{0,2}"
    r"|(?:[Tt]el|[Pp]hone|[Aa]ccount|[Pp]assword|[Cc]ode|[Nn]umber)[ :]{1,2})"
    r"(?:[1-9][0-9]?(?:[ ][0-9]{3}){2,}|[1-9][0-9]{0,2}(?:(?:[ ]000)+|(?:'[0-9]{3})+))"
    r"(?![0-9A-Za-z:/-]|[.,' ][0-9])"
)
_THOUSANDS: Final = compiled(r"(?<![0-9,.])[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])(?:-(?=[a-z]))?")
