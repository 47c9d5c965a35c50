"""Spoken names of characters and keys that espeak-ng does not know, in Chinese and English."""

from typing import Final

from chatttsd.engine.espeak_voices import is_chinese

_CHARACTERS_ZH: Final = {
    " ": "空格", "\u3000": "全角空格", "\n": "换行", "\t": "制表符",
    ",": "逗号", "，": "逗号", ".": "点", "。": "句号", "、": "顿号", ";": "分号", "；": "分号",
    ":": "冒号", "：": "冒号", "?": "问号", "？": "问号", "!": "叹号", "！": "叹号", "…": "省略号",
    "—": "破折号", "-": "减号", "_": "下划线", "+": "加号", "=": "等于", "*": "星号", "/": "斜杠",
    "\\": "反斜杠", "|": "竖线", "~": "波浪号", "·": "间隔号", "@": "艾特", "#": "井号", "$": "美元",
    "￥": "人民币", "¥": "人民币", "%": "百分号", "^": "脱字符", "&": "和号", "`": "反引号",
    "'": "单引号", '"': "双引号", "‘": "左单引号", "’": "右单引号", "“": "左双引号", "”": "右双引号",
    "(": "左括号", ")": "右括号", "（": "左括号", "）": "右括号", "[": "左方括号", "]": "右方括号",
    "【": "左方头括号", "】": "右方头括号", "{": "左花括号", "}": "右花括号", "<": "小于", ">": "大于",
    "《": "左书名号", "》": "右书名号", "〈": "左单书名号", "〉": "右单书名号",
    "「": "左直角引号", "」": "右直角引号", "『": "左双直角引号", "』": "右双直角引号",
}  # fmt: skip
_CHARACTERS_EN: Final = {
    "\u3000": "wide space", "，": "wide comma", "。": "ideographic full stop", "、": "ideographic comma",
    "；": "wide semicolon", "：": "wide colon", "？": "wide question mark", "！": "wide exclamation mark",
    "（": "wide left paren", "）": "wide right paren", "《": "left double angle", "》": "right double angle",
    "〈": "left angle", "〉": "right angle", "【": "left black bracket", "】": "right black bracket",
    "「": "left corner bracket", "」": "right corner bracket",
    "『": "left white corner bracket", "』": "right white corner bracket", "￥": "yen",
}  # fmt: skip
_KEYS_ZH: Final = {
    "space": "空格", "return": "回车", "enter": "回车", "backspace": "退格", "delete": "删除",
    "insert": "插入", "escape": "退出", "tab": "制表", "up": "上", "down": "下", "left": "左", "right": "右",
    "home": "行首", "end": "行尾", "prior": "上翻页", "next": "下翻页", "pageup": "上翻页",
    "pagedown": "下翻页", "comma": "逗号", "period": "句号", "underscore": "下划线", "kp": "小键盘",
    "minus": "减号", "plus": "加号", "slash": "斜杠", "asterisk": "星号",
}  # fmt: skip
_KEYS_EN: Final = {
    "kp": "keypad", "prior": "page up", "next": "page down", "pageup": "page up", "pagedown": "page down",
    "ctrl": "control", "esc": "escape", "del": "delete", "ins": "insert", "bksp": "backspace",
}  # fmt: skip


def character_name(character: str, language: str) -> str:
    """Return the spoken name of a character, or an empty string where espeak-ng knows it best."""
    return (_CHARACTERS_ZH if is_chinese(language) else _CHARACTERS_EN).get(character, "")


def key_name(key: str, language: str) -> str:
    """Return speakable text for an SSIP key name such as `shift_a`, `kp-enter` or `double-quote`."""
    parts = [part for part in key.replace("-", "_").split("_") if part]
    return " ".join(_key_part(part, language) for part in parts) or key


def _key_part(part: str, language: str) -> str:
    if len(part) == 1:
        # A lone small "a" would be read as the article.
        return part.upper()
    names = _KEYS_ZH if is_chinese(language) else _KEYS_EN
    return names.get(part.lower(), part)
