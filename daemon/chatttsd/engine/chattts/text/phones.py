"""Phone numbers and other numbers said digit by digit."""

from typing import Final

from .patterns import Match, compiled
from .speller import Speller, aside

_SHAPES: Final = (
    r"\+(?=(?:[() -]{0,2}[0-9]){7})[0-9]{1,3}[ -]?(?:\(?[0-9]{1,5}\)?[ -]?){2,5}",
    r"\([0-9]{3,4}\)[ -]?[0-9]{3,4}[ -]?[0-9]{4}",
    r"[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}",
    r"0[0-9]{2,3}[ -][0-9]{3,4}[ -]?[0-9]{4}",
    r"[48]00[ -]?[0-9]{3}[ -]?[0-9]{4}",
    r"1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}",
    r"[2-9][0-9]{2}-[0-9]{4}",
    r"[0-9]{1,5}(?:-[0-9]{1,7}){3,}",
)
_PHONE: Final = compiled(rf"(?<![0-9A-Za-z.+/-])(?:{'|'.join(_SHAPES)})(?![0-9]|[.,:/-][0-9])")
_MOBILE: Final = compiled(r"(1[3-9][0-9])([0-9]{4})([0-9]{4})")
_HOTLINE: Final = compiled(
    r"(?=[0-9])(?<=(?:拨打|拨|致电|报警|热线|电话(?:号码|号)?[是:：]?"
    r"|call|dial|phone|hotline|(?:ext|extension)\.?)[ ]?)"
    r"(?P<digits>[0-9]{3,12})(?![0-9]|[.,:/-][0-9]|[ ]?(?:个|次|people|times))",
    ignore_case=True,
)
_NAMED: Final = compiled(
    r"(?=[0-9])(?<=(?:验证码|密码|编号|订单号|卡号|账号|学号|工号|房间号|房号|邮编|号码|证号|QQ号|QQ群|QQ|群号|单号|会议号|会议ID|微信号|尾号|序列号"
    r"|code|PIN|ID|serial|password|zip|order number|account)[ ]?(?:是|为|is|:)?[ ]?)"
    r"(?P<digits>[0-9]{3,32}(?: [0-9]{3,4}(?![0-9]))*+)(?![0-9]|[.,:/][0-9]|[ ]?(?:个|次|people|times|%))"
)
_LONG: Final = compiled(r"(?<![0-9A-Za-z.,])[0-9]{11,}(?![0-9]|[.,][0-9])")
_ORDER: Final = compiled(r"#[ ]?(?P<digits>[0-9]{1,20})(?![0-9A-Za-z]|[.,][0-9])")
_LONGEST_COUNT: Final = 3
"""Digits of a number behind `#` that is counted rather than spelled."""
_GROUP: Final = compiled(r"[0-9]+")


def phones(text: str, speller: Speller) -> str:
    """Say phone numbers group by group, and codes, PINs and hotlines digit by digit."""
    text = _PHONE.sub(lambda found: _phone(found, speller), text)
    text = _HOTLINE.sub(lambda found: aside(speller.phone(found["digits"])), text)
    text = _NAMED.sub(lambda found: aside(_digits(found["digits"], speller)), text)
    text = _ORDER.sub(lambda found: aside(_order(found["digits"], speller)), text)
    return _LONG.sub(lambda found: aside(speller.digits(found[0])), text)


def _digits(written: str, speller: Speller) -> str:
    return ", ".join(speller.digits(group) for group in written.split())


def _order(digits: str, speller: Speller) -> str:
    """Say `#5` as `number five`, 五号; a longer one digit by digit."""
    said = speller.digits(digits) if len(digits) > _LONGEST_COUNT else speller.cardinal(digits)
    return f"{said}号" if speller.language == "zh" else f"number {said}"


def _phone(found: Match, speller: Speller) -> str:
    written = _MOBILE.sub(r"\1 \2 \3", found[0])
    said = ", ".join(speller.phone(group) for group in _GROUP.findall(written))
    plus = f"{speller.signs['+']} " if written.startswith("+") else ""
    tail = " " if found[0][-1] in " -" else ""
    return aside(plus + said) + tail
