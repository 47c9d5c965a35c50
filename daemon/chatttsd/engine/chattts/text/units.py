"""The names of units and currencies."""

from typing import Final, NamedTuple


class Unit(NamedTuple):
    """A unit in both languages; Chinese letters are spaced already."""

    one: str
    many: str
    chinese: str


def _table(listed: str) -> dict[str, Unit]:
    """Read lines of `abbreviations | singular | plural ending or plural | Chinese`."""
    units: dict[str, Unit] = {}
    for line in listed.strip().splitlines():
        written, one, many, chinese = (part.strip() for part in line.split("|"))
        unit = Unit(one, many or f"{one}s", chinese)
        units |= dict.fromkeys(written.split(), unit)
    return units


UNITS: Final = _table("""
    kg KG Kg | kilogram | | 公斤
    mg | milligram | | 毫克
    μg ug mcg | microgram | | 微克
    g | gram | | 克
    lb lbs | pound | | 磅
    oz | ounce | | 盎司
    km KM | kilometer | | 公里
    m | meter | | 米
    dm | decimeter | | 分米
    cm CM | centimeter | | 厘米
    mm MM | millimeter | | 毫米
    μm um | micrometer | | 微米
    nm | nanometer | | 纳米
    ft | foot | feet | 英尺
    mi | mile | | 英里
    mph | mile per hour | miles per hour | 英里每小时
    kph kmh | kilometer per hour | kilometers per hour | 公里每小时
    yd | yard | | 码
    m^2 | square meter | | 平方米
    cm^2 | square centimeter | | 平方厘米
    mm^2 | square millimeter | | 平方毫米
    km^2 | square kilometer | | 平方公里
    ft^2 | square foot | square feet | 平方英尺
    m^3 | cubic meter | | 立方米
    cm^3 | cubic centimeter | | 立方厘米
    ha | hectare | | 公顷
    L l | liter | | 升
    ml mL ML | milliliter | | 毫升
    dl dL | deciliter | | 分升
    h hr hrs | hour | | 小时
    min mins | minute | | 分钟
    s sec secs | second | | 秒
    ms | millisecond | | 毫秒
    μs us | microsecond | | 微秒
    ns | nanosecond | | 纳秒
    Hz | hertz | hertz | 赫兹
    kHz KHz | kilohertz | kilohertz | 千赫兹
    MHz | megahertz | megahertz | 兆赫兹
    GHz | gigahertz | gigahertz | 吉赫兹
    THz | terahertz | terahertz | 太赫兹
    W | watt | | 瓦
    kW KW | kilowatt | | 千瓦
    MW | megawatt | | 兆瓦
    GW | gigawatt | | 吉瓦
    kWh KWh kwh | kilowatt hour | | 千瓦时
    Wh | watt hour | | 瓦时
    V | volt | | 伏
    kV | kilovolt | | 千伏
    mV | millivolt | | 毫伏
    mA | milliampere | | 毫安
    mAh MAh | milliampere hour | | 毫安时
    kJ | kilojoule | | 千焦
    kcal | kilocalorie | | 千卡
    cal | calorie | | 卡
    Pa | pascal | | 帕
    hPa | hectopascal | | 百帕
    kPa | kilopascal | | 千帕
    MPa | megapascal | | 兆帕
    dB db | decibel | | 分贝
    Ω ohm | ohm | | 欧姆
    kΩ | kiloohm | | 千欧
    mol | mole | | 摩尔
    rpm | revolution per minute | revolutions per minute | 转每分钟
    fps FPS | frame per second | frames per second | 帧每秒
    dpi DPI | dot per inch | dots per inch | 点每英寸
    px | pixel | | 像素
    pt | point | | 点
    bit bits | bit | | 比特
    KB kB | kilobyte | | K B
    MB | megabyte | | M B
    GB | gigabyte | | G B
    TB | terabyte | | T B
    PB | petabyte | | P B
    KiB | kibibyte | | K i B
    MiB | mebibyte | | M i B
    GiB | gibibyte | | G i B
    TiB | tebibyte | | T i B
    kb Kb | kilobit | | K b
    Mb | megabit | | M b
    Gb | gigabit | | G b
    bps | bit per second | bits per second | 比特每秒
    kbps Kbps | kilobit per second | kilobits per second | 千比特每秒
    Mbps | megabit per second | megabits per second | 兆比特每秒
    Gbps | gigabit per second | gigabits per second | 吉比特每秒
    °C | degree Celsius | degrees Celsius | 摄氏度
    °F | degree Fahrenheit | degrees Fahrenheit | 华氏度
    ¢ | cent | | 美分
    ° | degree | | 度
""")

CURRENCIES: Final = _table("""
    $ | dollar | | 美元
    US$ USD | U S dollar | | 美元
    HK$ HKD | Hong Kong dollar | | 港元
    NT$ TWD | Taiwan dollar | | 新台币
    CA$ C$ CAD | Canadian dollar | | 加元
    AU$ A$ AUD | Australian dollar | | 澳元
    € EUR | euro | | 欧元
    £ GBP | pound | | 英镑
    ¥ CN¥ CNY RMB | yuan | yuan | 元
    JP¥ JPY | yen | yen | 日元
    ₩ KRW | won | won | 韩元
    ₹ INR | rupee | | 卢比
    ₽ RUB | ruble | | 卢布
    ₿ BTC | bitcoin | | 比特币
    CHF | Swiss franc | | 瑞士法郎
""")

CENTS: Final = {"$": ("cent", "cents"), "€": ("cent", "cents"), "£": ("penny", "pence")}
"""Hundredths that are said on their own in English."""

SCALES: Final = {
    "k": ("thousand", "千"),
    "m": ("million", "百万"),
    "mn": ("million", "百万"),
    "b": ("billion", "十亿"),
    "bn": ("billion", "十亿"),
    "t": ("trillion", "万亿"),
    "thousand": ("thousand", "千"),
    "million": ("million", "百万"),
    "billion": ("billion", "十亿"),
    "trillion": ("trillion", "万亿"),
}
