"""Times of the day."""

from typing import Final

from . import chinese, english
from .patterns import Match, compiled
from .speller import Speller, aside

_HALF: Final = r"(?P<half>[ap])\.?[ ]?m(?:\.(?!\s*(?:$|(?-i:[A-Z])|\n))|(?![A-Za-z]))"
_CLOCK: Final = compiled(
    r"(?<![0-9A-Za-z.:])(?P<hour>[01]?[0-9]|2[0-4])(?::|：)(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:\.[0-9]+|,[0-9]{3}(?![0-9]))?)?"
    rf"(?![0-9:]|,[0-9]{{3}}(?![0-9]))(?:[ ]?{_HALF}|Z(?![A-Za-z]))?",
    ignore_case=True,
)
_HOUR: Final = compiled(rf"(?<![0-9A-Za-z.:,])(?P<hour>1[0-2]|0?[1-9])[ ]?{_HALF}", ignore_case=True)
_RANGE: Final = compiled(
    r"(?<=[0-9]:[0-5][0-9](?:[ ]?[AaPp][Mm])?|(?<![0-9.])[0-9]{1,2}(?:[ ]?[AaPp][Mm])?)"
    r"[ ]?[-–~—]{1,2}[ ]?(?=[0-9]{1,2}(?::[0-5][0-9](?![0-9])|[ ]?[ap]\.?m(?![A-Za-z])))"
)
_SCORED: Final = compiled(r"(?:比分|比例|赔率|以|赢|输|胜|won|lost|score[d]?)[ ]?(?:[a-z]+[ ])?$")
_SCALE: Final = compiled(r"[ ](?:scale|ratio|odds|mix|model|win|loss|比例)")
_LASTING: Final = compiled(
    r"(?:took|takes?|lasted|lasts?|duration|length|finished in|within|用时|耗时|时长|历时|持续|成绩)"
    r"(?:[ ](?:is|was|of))?[ :：为是]*$",
    ignore_case=True,
)
_NOON: Final = 12


def times(text: str, speller: Speller) -> str:
    """Say `9:05 a.m.` as `nine oh five A M`, `15:30` as 十五点三十分."""
    text = _RANGE.sub(aside(speller.signs["to"]), text)
    text = _CLOCK.sub(lambda found: _clock(found, speller), text)
    return _HOUR.sub(lambda found: _said(found, speller), text)


def _clock(found: Match, speller: Speller) -> str:
    """Leave `21:15` after words of a match to the scores."""
    if found["second"] and not found["half"] and _lasts(found):
        return aside(_duration(found, speller))
    scored = _SCORED.search(found.string, max(0, found.start() - 12), found.start())
    if scored or _SCALE.match(found.string, found.end()):
        return str(found[0])
    if speller.language == "zh":
        return aside(_chinese(found))
    return aside(_english(found))


def _lasts(found: Match) -> bool:
    """Tell a duration from a time of the day: no hours, or a word of lasting before it."""
    start = max(0, found.start() - 20)
    return found["hour"] == "0" or _LASTING.search(found.string, start, found.start()) is not None


def _duration(found: Match, speller: Speller) -> str:
    parts = [each.lstrip("0") for each in (found["hour"], found["minute"], found["second"])]
    parts = parts if any(parts) else ["", "", "0"]
    if speller.language == "zh":
        names = zip(parts, ("小时", "分", "秒"), strict=True)
        return "".join(
            f"{chinese.counted(part, chinese.cardinal(part))}{name}" for part, name in names if part
        )
    named = zip(parts, ("hour", "minute", "second"), strict=True)
    return " ".join(
        f"{english.cardinal(part)} {name}{'' if part == '1' else 's'}" for part, name in named if part
    )


def _said(found: Match, speller: Speller) -> str:
    if speller.language == "zh":
        return aside(f"{_chinese_half(found)}{_hour(found)}点")
    return aside(f"{english.cardinal(found['hour'])} {found['half'].upper()} M")


def _chinese_half(found: Match) -> str:
    return {"a": "上午", "p": "下午"}[found["half"].lower()] if found["half"] else ""


def _hour(found: Match) -> str:
    return chinese.counted(found["hour"].lstrip("0"), chinese.cardinal(found["hour"]))


def _chinese(found: Match) -> str:
    minute, second = found["minute"], found["second"]
    said = f"{_chinese_half(found)}{_hour(found)}点"
    if int(minute + (second or "")):
        said += ("零" if minute[0] == "0" and minute != "00" else "") + f"{chinese.cardinal(minute)}分"
    return said + (f"{chinese.cardinal(second)}秒" if int(second or 0) else "")


def _english(found: Match) -> str:
    hour, minute, second = found["hour"], found["minute"], found["second"]
    half = f" {found['half'].upper()} M" if found["half"] else ""
    said = english.cardinal(hour)
    if minute != "00":
        said += f" {english.pair(minute)}"
    elif not half:
        said += " hundred" if int(hour) > _NOON else " o clock"
    return said + (f" and {english.cardinal(second)} seconds" if int(second or 0) else "") + half
