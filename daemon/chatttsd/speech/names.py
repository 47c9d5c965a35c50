"""Spoken names of characters and keys, in Chinese and English."""

from typing import Final

LONGEST_KEY: Final = 64
"""Characters of the name of a key with its modifiers."""
_CHINESE: Final = frozenset({"zh", "cmn", "yue", "hak", "nan", "wuu"})

_CHARACTERS_ZH: Final = {
    " ": "空格", "\u3000": "全角空格", "\u00a0": "不换行空格", "\n": "换行", "\r": "回车", "\t": "制表符",
    ",": "逗号", "，": "逗号", ".": "点", "。": "句号", "、": "顿号", ";": "分号", "；": "分号",
    ":": "冒号", "：": "冒号", "?": "问号", "？": "问号", "!": "叹号", "！": "叹号", "…": "省略号",
    "—": "破折号", "–": "连接号", "-": "减号", "_": "下划线", "+": "加号", "=": "等于", "*": "星号",
    "/": "斜杠", "\\": "反斜杠", "|": "竖线", "~": "波浪号", "·": "间隔号", "•": "圆点", "@": "艾特",
    "#": "井号", "$": "美元", "￥": "人民币", "¥": "人民币", "€": "欧元", "£": "英镑", "%": "百分号",
    "‰": "千分号", "^": "脱字符", "&": "和号", "`": "反引号", "'": "单引号", '"': "双引号",
    "‘": "左单引号", "’": "右单引号", "“": "左双引号", "”": "右双引号",
    "(": "左括号", ")": "右括号", "（": "左括号", "）": "右括号", "[": "左方括号", "]": "右方括号",
    "【": "左方头括号", "】": "右方头括号", "{": "左花括号", "}": "右花括号", "<": "小于", ">": "大于",
    "《": "左书名号", "》": "右书名号", "〈": "左单书名号", "〉": "右单书名号",
    "「": "左直角引号", "」": "右直角引号", "『": "左双直角引号", "』": "右双直角引号",
    "°": "度", "×": "乘号", "÷": "除号", "±": "正负号", "≈": "约等于", "≠": "不等于", "≤": "小于等于",
    "≥": "大于等于", "←": "左箭头", "→": "右箭头", "↑": "上箭头", "↓": "下箭头", "■": "方块",
    "§": "分节号", "¶": "段落号", "©": "版权", "®": "注册商标", "™": "商标",
    "\x85": "换行", "\u00ad": "软连字符", "\u2028": "行分隔符", "\u2029": "段落分隔符",
    "\u200b": "零宽空格", "\u200c": "零宽不连字", "\u200d": "零宽连字", "\u2060": "词连接符",
    "\ufeff": "零宽不换行空格",
}  # fmt: skip
_WIDE_EN: Final = {
    "\u3000": "wide space", "，": "wide comma", "。": "ideographic full stop", "、": "ideographic comma",
    "；": "wide semicolon", "：": "wide colon", "？": "wide question mark", "！": "wide exclamation mark",
    "（": "wide left paren", "）": "wide right paren", "《": "left double angle", "》": "right double angle",
    "〈": "left angle", "〉": "right angle", "【": "left black bracket", "】": "right black bracket",
    "「": "left corner bracket", "」": "right corner bracket",
    "『": "left white corner bracket", "』": "right white corner bracket", "￥": "yen",
}  # fmt: skip
"""Said in English where the listener's language is neither: no voice has names of its own for them."""
_UNSEEN_EN: Final = {
    "\x85": "next line", "\u00ad": "soft hyphen", "\u2028": "line separator",
    "\u2029": "paragraph separator", "\u200b": "zero width space", "\u200c": "zero width non-joiner",
    "\u200d": "zero width joiner", "\u2060": "word joiner", "\ufeff": "zero width no-break space",
}  # fmt: skip
"""No voice says a sound for them, and some are silent."""
_CHARACTERS_EN: Final = _WIDE_EN | {
    " ": "space", "\u00a0": "no-break space", "\n": "new line", "\r": "carriage return", "\t": "tab",
    ",": "comma", ".": "dot", ";": "semicolon", ":": "colon", "?": "question mark",
    "!": "exclamation mark", "…": "ellipsis", "—": "em dash", "–": "en dash", "-": "dash",
    "_": "underscore", "+": "plus", "=": "equals", "*": "star", "/": "slash", "\\": "backslash",
    "|": "bar", "~": "tilde", "·": "middle dot", "•": "bullet", "@": "at", "#": "hash", "$": "dollar",
    "¥": "yen", "€": "euro", "£": "pound", "%": "percent", "‰": "per mille", "^": "caret", "&": "and",
    "`": "backquote", "'": "apostrophe", '"': "quote", "‘": "left single quote",
    "’": "right single quote", "“": "left quote", "”": "right quote", "(": "left paren",
    ")": "right paren", "[": "left bracket", "]": "right bracket", "{": "left brace", "}": "right brace",
    "<": "less than", ">": "greater than", "°": "degree", "×": "times", "÷": "divided by",
    "±": "plus or minus", "≈": "about equal to", "≠": "not equal to", "≤": "less or equal",
    "≥": "greater or equal", "←": "left arrow", "→": "right arrow", "↑": "up arrow", "↓": "down arrow",
    "■": "square", "§": "section", "¶": "paragraph mark", "©": "copyright", "®": "registered",
    "™": "trademark",
} | _UNSEEN_EN  # fmt: skip
_KEYS_ZH: Final = {
    "space": "空格", "return": "回车", "enter": "回车", "backspace": "退格", "delete": "删除",
    "insert": "插入", "escape": "退出", "tab": "制表", "up": "上", "down": "下", "left": "左", "right": "右",
    "home": "行首", "end": "行尾", "prior": "上翻页", "next": "下翻页", "pageup": "上翻页",
    "pagedown": "下翻页", "page-up": "上翻页", "page-down": "下翻页", "comma": "逗号", "period": "句号",
    "underscore": "下划线", "kp": "小键盘", "minus": "减号", "plus": "加号", "slash": "斜杠",
    "asterisk": "星号", "double-quote": "双引号", "menu": "菜单", "pause": "暂停", "print": "打印",
    "break": "中断", "window": "视窗", "caps-lock": "大写锁定", "capslock": "大写锁定",
    "num-lock": "数字锁定", "numlock": "数字锁定", "scroll-lock": "滚动锁定", "scrolllock": "滚动锁定",
    "begin": "中间", "decimal": "点", "add": "加号", "subtract": "减号", "multiply": "乘号",
    "divide": "除号", "equal": "等于", "separator": "逗号", "newline": "换行",
}  # fmt: skip
"""Modifiers keep their English names: those are printed on the keys."""
_KEYS_EN: Final = {
    "kp": "keypad", "prior": "page up", "next": "page down", "pageup": "page up", "pagedown": "page down",
    "capslock": "caps lock", "numlock": "num lock", "scrolllock": "scroll lock",
    "add": "plus", "subtract": "minus", "multiply": "times", "divide": "divided by", "decimal": "point",
    "newline": "new line",
}  # fmt: skip
_ALIASES: Final = {"ctrl": "control", "esc": "escape", "del": "delete", "ins": "insert", "bksp": "backspace"}
_KEYPAD: Final = "kp-"

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_ASCII_MARKS: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_MARKS_ZH: Final = "，。、；：？！…—·“”‘’（）《》【】￥"
COMMON_KEYS: Final = (
    "alt", "control", "hyper", "meta", "shift", "super", "backspace", "break", "delete", "down", "end",
    "enter", "escape", "home", "insert", "left", "menu", "next", "num-lock", "caps-lock", "pause", "print",
    "prior", "return", "right", "scroll-lock", "space", "tab", "up", "window", "double-quote", "underscore",
    *(f"f{number}" for number in range(1, 25)),
    *(f"{_KEYPAD}{key}" for key in (*"*+-./0123456789", "enter")),
)  # fmt: skip
"""Those that SSIP names."""
_TYPED_EN: Final = (
    "bang", "number", "tick", "semi", "question", "line", "graav", "tilda", "less", "greater", "newline",
)  # fmt: skip
"""What speech-dispatcher calls a typed character where that is not what we call it."""
_TYPED_ZH: Final = (
    "感叹号", "双引号", "单引号", "加", "减", "反撇号", "question", "at", "全角顿号",
    "左粗中括号", "右粗中括号", "newline",
)  # fmt: skip


def is_chinese(language: str) -> bool:
    """Tell whether a BCP 47 tag is one of the Chinese languages."""
    return language.lower().split("-")[0] in _CHINESE


def character_name(character: str, language: str) -> str:
    """Return the spoken name of a character, or an empty string where a voice knows it best: letters, digits.

    In languages other than Chinese and English only wide punctuation and what cannot be seen are named.
    """
    if is_chinese(language):
        return _CHARACTERS_ZH.get(character, "")
    return (_CHARACTERS_EN if is_english(language) else _WIDE_EN | _UNSEEN_EN).get(character, "")


def is_english(language: str) -> bool:
    """Tell whether a BCP 47 tag is English."""
    return language.lower().split("-")[0] == "en"


def capital_word(language: str) -> str:
    """Return what is said before a capital letter."""
    return "大写" if is_chinese(language) else "capital"


def may_be_key(text: str) -> bool:
    """Tell whether a text is short and plain enough for the name of a key."""
    return len(text) <= LONGEST_KEY and text.isprintable()


def key_name(key: str, language: str) -> str:
    """Return speakable text for an SSIP key name such as `shift_a`, `kp-enter` or `double-quote`."""
    if key == "_":
        return character_name(key, language) or key
    parts = [part for part in key.split("_") if part]
    return " ".join(_key_part(part, language) for part in parts) or key


def echo_characters(language: str) -> tuple[str, ...]:
    """Return the characters that are typed in a language and worth preparing."""
    letters = (*_LETTERS, *_LETTERS.upper(), *_DIGITS, *_ASCII_MARKS, " ", "\n", "\t")
    return (*letters, *_MARKS_ZH) if is_chinese(language) else letters


def echo_keys(language: str) -> tuple[str, ...]:
    """Return the names worth preparing: of SSIP's keys, of typed characters, what precedes a capital."""
    named = [name for character in echo_characters(language) if (name := character_name(character, language))]
    theirs = _TYPED_ZH if is_chinese(language) else _TYPED_EN
    return tuple(dict.fromkeys((capital_word(language), *COMMON_KEYS, *named, *theirs)))


def _key_part(part: str, language: str) -> str:
    if len(part) == 1:
        # A lone small "a" would be read as the article.
        return character_name(part, language) or part.upper()
    names = _KEYS_ZH if is_chinese(language) else _KEYS_EN
    lower = _ALIASES.get(part.lower(), part.lower())
    if lower.startswith(_KEYPAD) and len(lower) > len(_KEYPAD):
        return f"{names['kp']} {_key_part(part[len(_KEYPAD) :], language)}"
    if lower in names or "-" not in lower:
        return names.get(lower, _ALIASES.get(part.lower(), part))
    return " ".join(names.get(word.lower(), word) for word in part.split("-") if word)
