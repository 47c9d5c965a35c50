"""Chinese numbers that depend on what stands beside them, where wetext reads another one."""

from typing import Final

from .patterns import compiled
from .speller import Speller, aside

_ORDINAL: Final = compiled(r"(?<=第[ ]?)(?P<number>[1-9][0-9]{0,7})(?![0-9]|[.,][0-9])")
_DAY: Final = compiled(
    r"(?<![0-9.,])0(?P<day>[1-9])(?=日)|(?<=[月于至到是])(?P<day>2)(?=日(?![元圆游票行自内后前间来龄]|以[内后前上下]|之[内后前间]))"
    r"|(?<![0-9.,])(?P<day>2)(?=日(?:[电讯起晚早]|[上下中]午|凌晨|当天|当晚))"
)
"""A day of the month: of others two are counted, as in 2日游."""
_SECOND: Final = compiled(r"(?<![0-9.,])2(?=季度|线城市|手[房车货书])")
_COUNTED: Final = compiled(
    r"(?<![0-9A-Za-z.第零一二三四五六七八九十百千万亿])2(?=(?:万|亿|千|个(?!位数)|次|位|只|条|张|件|台|部|辆|家|名|种|类|项|天|周年|小时|分钟|秒|倍|人|份|套|杯|瓶|双|对|款|篇|句|步|块|元|岁|年(?!级|代)|米|公里|公斤|斤|吨|口|道|遍|片|点(?![0-9](?![0-9分刻]))))"
)
_YEAR: Final = compiled(r"(?<![0-9.])(?P<year>[0-9]{4})(?=年)")
_MONTH: Final = r"(?:1[0-2]|0?[1-9])"
_MONTH_DAY: Final = rf"{_MONTH}\.(?:[12][0-9]|3[01]|0?[1-9])(?![0-9.])"
_DATED: Final = (
    rf"(?:19|20)[0-9]{{2}}\.{_MONTH}(?![0-9.元分米点度万亿%])"
    rf"|{_MONTH_DAY}(?=[前起]|放假|休息|当天|当晚|[上下]午|晚上|凌晨|[（(]周| [0-2]?[0-9]:[0-5][0-9])"
    rf"|(?<=(?:截[止至]|时间|日期)[ :：]?){_MONTH_DAY}"
    rf"|{_MONTH_DAY}(?=[ ]?[-–~至到][ ]?{_MONTH_DAY}(?:放假|休息|期间))|{_MONTH_DAY}(?=期间)"
)
"""Years with a month, and days beside what only dates have: wetext knows them."""
_DECIMAL: Final = compiled(rf"(?<![0-9]|[0-9]\.)(?!{_DATED})[0-9]+\.[0-9]+(?![0-9]|\.[0-9])")


def in_context(text: str, speller: Speller) -> str:
    """Say 第2个 as 第二个, 2日 as 二日, 2点 as 两点, and 11.23 as a number: it is no day of November."""
    text = _ORDINAL.sub(lambda found: speller.cardinal(found["number"]), text)
    text = _DAY.sub(lambda found: speller.cardinal(found["day"]), text)
    text = _COUNTED.sub("两", _SECOND.sub("二", text))
    text = _YEAR.sub(lambda found: speller.year(found["year"]), text)
    return _DECIMAL.sub(lambda found: aside(speller.number(found[0])), text)
