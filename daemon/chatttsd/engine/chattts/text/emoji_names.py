"""Names of emoji: the common ones in Chinese, in English those whose Unicode name is not what people say."""

from typing import Final


def _pairs(listed: str) -> dict[str, str]:
    """Read `emoji name` entries that are separated by commas."""
    return {emoji: name for emoji, _, name in (entry.strip().partition(" ") for entry in listed.split(","))}


CHINESE: Final = _pairs("""
    👍 点赞, 👎 差评, 👌 好的手势, ✌ 胜利手势, 🤞 祈求好运, 👏 鼓掌, 🙏 双手合十, 💪 加油,
    👋 挥手, 🤝 握手, ✊ 拳头, 👊 碰拳, 👉 向右指, 👈 向左指, 👆 向上指, 👇 向下指, 🙌 举双手,
    🤷 耸肩, 🤦 捂脸, 😂 笑哭, 🤣 笑得打滚, 😀 笑脸, 😃 笑脸, 😄 大笑, 😁 露齿笑, 😆 眯眼笑,
    😅 苦笑, 😊 微笑, 🙂 微笑, 😇 天使, 😍 爱心眼, 🥰 喜爱, 😘 飞吻, 😋 好吃, 😜 调皮, 🤔 思考,
    😎 酷, 🤩 崇拜, 🥳 庆祝, 😏 坏笑, 😒 不高兴, 😔 失落, 😢 流泪, 😭 大哭, 😤 生气, 😡 愤怒,
    😠 生气, 🤯 震惊, 😱 惊恐, 😨 害怕, 😰 冷汗, 🥺 可怜, 😴 睡觉, 🙄 翻白眼, 😐 面无表情,
    😬 尴尬, 🤗 拥抱, 🤫 安静, 😷 口罩, 🤒 发烧, 🤢 恶心, 💩 便便, 👻 幽灵, 💀 骷髅, 🤖 机器人,
    ❤ 红心, 💔 心碎, 💕 爱心, 💖 爱心, 💙 蓝心, 💚 绿心, 💛 黄心, 💜 紫心, 🖤 黑心, 🧡 橙心,
    💯 一百分, 🔥 火, ✨ 闪光, ⭐ 星星, 🌟 星星, 🎉 庆祝, 🎂 生日蛋糕, 🎁 礼物, 🌹 玫瑰, 🌸 樱花,
    🍀 四叶草, ☀ 太阳, 🌞 太阳, 🌙 月亮, ☁ 云, 🌧 下雨, ⛄ 雪人, ❄ 雪花, 🌈 彩虹, ⚡ 闪电, ☕ 咖啡,
    🍺 啤酒, 🍎 苹果, 🍉 西瓜, 🐶 小狗, 🐱 小猫, 🐼 熊猫, 🐷 小猪, 🌍 地球, 🚀 火箭, 🚗 汽车,
    ✈ 飞机, 🏠 房子, 📱 手机, 💻 电脑, 📷 相机, 📞 电话, ☎ 电话, 📧 邮件, ✉ 信封, 📌 图钉,
    📝 备忘录, 📚 书, 💡 灯泡, ⏰ 闹钟, 🔔 铃铛, 🎵 音乐, 🎤 麦克风, 💰 钱袋, 🔒 锁, 🔑 钥匙,
    ⚠ 警告, ✅ 对勾, ✔ 对勾, ❌ 叉号, ❓ 问号, ❗ 感叹号, 🆗 好的, 🔴 红点, 🟢 绿点, 👀 眼睛
""")

ENGLISH: Final = _pairs("""
    👍 thumbs up, 👎 thumbs down, 👌 OK hand, ✌ victory hand, 👏 clapping hands, 🙏 folded hands,
    💪 flexed biceps, 👋 waving hand, 🙂 slightly smiling face, 😊 smiling face, 😀 grinning face,
    😃 grinning face, 😄 grinning face, 😁 beaming face, 😆 laughing face,
    😂 face with tears of joy, 🤣 rolling on the floor laughing, 😍 heart eyes, 😎 cool face,
    😭 crying loudly, 😢 crying face, 😡 angry face, 😱 screaming face, 🤔 thinking face,
    ❤ red heart, 💔 broken heart, 💕 two hearts, 💙 blue heart, 💚 green heart, 💛 yellow heart,
    💜 purple heart, 💯 hundred points, 🔥 fire, ✨ sparkles, ⭐ star, 🎉 party popper, ☀ sun,
    ☁ cloud, ☕ hot beverage, ✅ check mark, ✔ check mark, ❌ cross mark, ❓ question mark,
    ❗ exclamation mark, ⚠ warning, ☎ telephone, ✉ envelope, 💩 pile of poo, 🤷 shrug,
    🤦 facepalm, 👀 eyes, 🌧 rain, 🍎 red apple, 💻 laptop, 📱 mobile phone
""")

_COUNTRIES: Final = """
    CN China 中国, US the United States 美国, GB the United Kingdom 英国, DE Germany 德国,
    FR France 法国, JP Japan 日本, KR South Korea 韩国, RU Russia 俄罗斯, IN India 印度,
    BR Brazil 巴西, CA Canada 加拿大, AU Australia 澳大利亚, IT Italy 意大利, ES Spain 西班牙,
    PT Portugal 葡萄牙, NL the Netherlands 荷兰, BE Belgium 比利时, CH Switzerland 瑞士,
    AT Austria 奥地利, SE Sweden 瑞典, NO Norway 挪威, FI Finland 芬兰, DK Denmark 丹麦,
    PL Poland 波兰, UA Ukraine 乌克兰, TR Turkey 土耳其, GR Greece 希腊, IE Ireland 爱尔兰,
    MX Mexico 墨西哥, AR Argentina 阿根廷, ZA South Africa 南非, EG Egypt 埃及,
    SA Saudi Arabia 沙特, IL Israel 以色列, TH Thailand 泰国, VN Vietnam 越南,
    ID Indonesia 印度尼西亚, MY Malaysia 马来西亚, SG Singapore 新加坡, PH the Philippines 菲律宾,
    NZ New Zealand 新西兰, CZ Czechia 捷克, HU Hungary 匈牙利, RO Romania 罗马尼亚,
    PK Pakistan 巴基斯坦, IR Iran 伊朗, HK Hong Kong 香港, TW Taiwan 台湾, MO Macao 澳门,
    EU the European Union 欧盟
"""


def _countries(listed: str) -> dict[str, tuple[str, str]]:
    """Read `CODE English name Chinese` entries that are separated by commas."""
    entries = [entry.split() for entry in listed.split(",")]
    return {code: (" ".join(english), chinese) for code, *english, chinese in entries}


COUNTRIES: Final = _countries(_COUNTRIES)
SUBDIVISIONS: Final = {
    "gbeng": ("England", "英格兰"),
    "gbsct": ("Scotland", "苏格兰"),
    "gbwls": ("Wales", "威尔士"),
}
