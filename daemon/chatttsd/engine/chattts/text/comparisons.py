"""Signs that compare with a number: `CPU > 90%`, 年龄<18岁."""

from collections.abc import Mapping
from typing import Final

from .patterns import Match, compiled
from .speller import NUMBER, Speller, aside

COMPARISONS: Final[Mapping[str, tuple[str, str]]] = {
    "<": ("less than", "小于"),
    ">": ("greater than", "大于"),
    "<=": ("less than or equal to", "小于等于"),
    ">=": ("greater than or equal to", "大于等于"),
    "≤": ("less than or equal to", "小于等于"),
    "≥": ("greater than or equal to", "大于等于"),
    "==": ("equals", "等于"),
    "===": ("equals", "等于"),
    "!==": ("not equal to", "不等于"),
    "!=": ("not equal to", "不等于"),
    "≠": ("not equal to", "不等于"),
}
_SIGN: Final = r"(?P<sign>[!=]==?|[<>]=|[<>≤≥≠])"
_NO_ARROW: Final = r"(?=[<>!=≤≥≠])(?<![-<>=!~|&])"
_NO_QUOTATION: Final = r"(?!(?<=(?m:^)[ ]*)>(?!=))"
"""A bare `>` at the start of a line quotes an e-mail."""
_NO_MENU: Final = (
    r"(?!>(?!=)(?:[ ]?(?:[2-6]G|[23]D)(?![A-Za-z])|[^\n,.;，。；<>]*>(?!=)"
    r"|(?<=(?:>[^\n,.;，。；<>]{0,40}|设置|文件|目录|首页|菜单|选项|工具|编辑|Settings|Preferences|Options|Tools"
    r"|File|Edit|View|Menu|Home)[ ]?>)))"
)
"""A way through menus: `Settings > 5G`, 首页>2024年>新闻."""
_COMPARED: Final = compiled(
    rf"{_NO_ARROW}{_NO_QUOTATION}{_NO_MENU}{_SIGN}[ ]?(?=[-+]?[$€£¥]?{NUMBER}(?![0-9.,]*[ ]?>))"
)
_BETWEEN: Final = compiled(
    rf"(?<=[0-9%CF度岁元])[ ]?{_SIGN}[ ]?(?=[A-Za-z\u4e00-\u9fff]{{1,12}}[ ]?[<>≤≥]=?[ ]?-?[0-9])"
)
_ARROW: Final = compiled(r"(?<![<>=])=>(?![>=])")


def comparisons(text: str, speller: Speller) -> str:
    """Say `age>18` as `age greater than 18`; arrows, tags, quotations and paths of menus have no number."""
    text = _ARROW.sub(" → ", text)
    text = _BETWEEN.sub(lambda found: _said(found, speller), text)
    return _COMPARED.sub(lambda found: _said(found, speller), text)


def _said(found: Match, speller: Speller) -> str:
    return aside(COMPARISONS[found["sign"]][speller.language == "zh"])
