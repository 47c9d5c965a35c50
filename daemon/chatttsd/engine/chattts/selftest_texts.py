"""The sentences that the self-test speaks: plain and long, with numbers and without, in both languages."""

from typing import Final, NamedTuple


class Sentence(NamedTuple):
    """One sentence and its language."""

    text: str
    language: str


_CHINESE: Final = (
    "今天的天气比昨天好多了，我们下午可以去公园走一走。",
    "请把窗户关上，外面的风越来越大了。",
    "他把那封信读了三遍，才明白其中的意思。",
    "火车将于十四点二十五分到达第六站台，请各位旅客提前做好准备。",
    "这本书一共有368页，我已经读完了一半。",
    "如果明天不下雨，我们就坐船到河对面的村子里去看望老师。",
    "你吃过晚饭了吗？",
    "会议改到星期五上午九点半，地点还是三楼的大会议室。",
    "小猫从桌子底下跑出来，跳上窗台，又安安静静地睡着了。",
    "打开终端，输入命令，然后等待系统更新完成。",
)
_ENGLISH: Final = (
    "The kettle was still warm when we came back from the garden.",
    "Please leave the parcel with the neighbours on the second floor.",
    "It rained for most of the night, but the morning was bright and quiet.",
    "She counted the steps twice and found one more each time.",
    "The library closes at half past six, and the last bus leaves ten minutes later.",
    "Have you seen my reading glasses anywhere?",
    "Three of the five boats were already out on the lake.",
    "He wrote the number on the back of an old ticket and then lost the ticket.",
    "A good map shows you not only where to go, but also what you will pass on the way.",
    "Save your work before you restart the computer.",
)
SENTENCES: Final = tuple(
    Sentence(text, language) for texts, language in ((_CHINESE, "zh"), (_ENGLISH, "en")) for text in texts
)
