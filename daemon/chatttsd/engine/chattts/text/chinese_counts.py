"""Chinese numbers that depend on what stands beside them, where wetext reads another one."""

from typing import Final

from .patterns import compiled
from .speller import Speller, aside

_ORDINAL: Final = compiled(r"(?<=第[ ]?)(?P<number>[0-9]{1,8})(?![0-9]|[.,][0-9])")
_LASTING: Final = (
    "近|连续|这|为期|每|达|共|前|后|历时|历经|仅|需|约|过去|未来|最近|短短|头|满|隔|用"
    "|停留|提前|延长|推迟|至少|最多|不到|超过"
)
"""What stands before a number of days rather than a day of the month."""
_DAY: Final = compiled(
    rf"(?<![0-9.,]|{_LASTING})0?(?P<day>[1-9])(?=日(?![元圆游内后前间来龄]|以[内后前上下]|之[内后前间]))"
)
_SECOND: Final = compiled(r"(?<![0-9.,])2(?=季度|线城市|手[房车货书])")
_COUNTED: Final = compiled(
    r"(?<![0-9A-Za-z.第零一二三四五六七八九十百千万亿])2(?=(?:万|亿|千|个(?!位数)|次|位|只|条|张|件|台|部|辆|家|名|种|类|项|天|周年|小时|分钟|秒|倍|人|份|套|杯|瓶|双|对|款|篇|句|步|块|元|岁|年(?!级|代)|米|公里|公斤|斤|吨|口|道|遍|片|点(?![0-9](?![0-9分刻]))))"
)
_YEAR: Final = compiled(r"(?<![0-9.])(?P<year>[0-9]{4})(?=年)")
_DECIMAL: Final = compiled(r"(?<![0-9]|[0-9]\.)[0-9]+\.[0-9]+(?![0-9]|\.[0-9])")


def in_context(text: str, speller: Speller) -> str:
    """Say 第2个 as 第二个, 2日 as 二日, 2点 as 两点, and 11.23 as a number: it is no day of November."""
    text = _ORDINAL.sub(lambda found: speller.cardinal(found["number"]), text)
    text = _DAY.sub(lambda found: speller.cardinal(found["day"]), text)
    text = _COUNTED.sub("两", _SECOND.sub("二", text))
    text = _YEAR.sub(lambda found: speller.year(found["year"]), text)
    return _DECIMAL.sub(lambda found: aside(speller.number(found[0])), text)
