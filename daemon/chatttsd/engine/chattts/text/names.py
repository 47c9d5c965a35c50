"""Model names, identifiers and acronyms: what is spelled letter by letter and what is a word."""

from typing import Final

from .patterns import Match, compiled
from .speller import Speller, aside, word_list

_VERSION: Final = compiled(
    r"(?<![A-Za-z0-9_.])(?P<word>version |版本号?[ ]?)?(?:v(?:er)?\.?[ ]?(?=[0-9]))?"
    r"(?P<parts>[0-9]{1,5}(?:\.[0-9]{1,6}){0,5})"
    r"(?P<rest>[-+](?:alpha|beta|rc|dev|post|pre)[A-Za-z0-9.]{0,20})?(?![0-9A-Za-z_]|\.[0-9])",
    ignore_case=True,
)
_MODEL: Final = compiled(
    r"(?<![A-Za-z0-9_])(?P<name>[A-Z]{2,8}|Boeing|Airbus|波音|空客)(?P<gap>[ -]?)"
    r"(?P<number>[0-9]{3,5})(?:-(?P<variant>[0-9]{1,7}))?(?=[A-Z]{0,2}(?![A-Za-z0-9%]|[.,-][0-9]))"
)
_TOKEN: Final = compiled(
    r"(?<![A-Za-z0-9]|[0-9][.,])[A-Za-z0-9]++(?:[-_]+[A-Za-z0-9]++|(?<=[0-9])\.(?=[0-9])[A-Za-z0-9]++)*+"
)
_LETTER: Final = compiled(r"[A-Za-z]")
_WHOLE: Final = r"(?:Mc|Mac)[A-Z][a-z]+|i(?:Phone|Pad|Pod|Mac|Cloud)s?(?![a-z])|eBay|LaTeX"
_PIECE: Final = compiled(rf"{_WHOLE}|[0-9]+(?:\.[0-9]+)*|[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")
_KNOWN: Final = compiled(_WHOLE)
_SPECIAL: Final = {"IoT": "I o T", "WiFi": "Wi Fi", "Wifi": "Wi Fi"}
_JOINTS: Final = compiled(r"[-_]+")
_LANGUAGES: Final = compiled(r"(?<![A-Za-z0-9])(?P<name>[CFJ])(?P<sign>\+\+|#)(?![A-Za-z0-9])")
_MULTIMEDIA: Final = compiled(r"(?<![A-Za-z0-9])(?P<name>mp)(?=[34](?![A-Za-z0-9]))")
_INITIALS: Final = compiled(r"(?<![A-Za-z0-9])(?P<one>[A-Z]{1,3})&(?P<other>[A-Z]{1,3})(?![A-Za-z0-9])")
_CODEC: Final = compiled(r"(?<![A-Za-z0-9.])(?P<letter>[A-Z])\.(?P<number>[0-9]{3})(?![0-9A-Za-z]|\.[0-9])")
_DEGREE: Final = compiled(r"(?<![A-Za-z0-9])(?:PhD|Ph\.D\.?|DPhil)(?![A-Za-z0-9])")

_WORDS: Final = word_list("""
    NASA NATO UNESCO UNICEF OPEC NAFTA ASEAN AIDS COVID SARS MERS LASER RADAR SONAR SCUBA SIM RAM ROM LAN
    WAN RAID BIOS CAD FIFA UEFA ASCII GIF PIN CUDA JSON YAML TOML BASIC COBOL FORTRAN LISP IKEA NVIDIA
    LEGO SONY ASUS DELL INTEL VISA JAVA BERT LLAMA SWAT POSIX UNIX LINUX YOLO GNOME DOS ZIP TED
    CAPTCHA NASDAQ OPPO VIVO HUAWEI XIAOMI README TODO EPUB QWERTY GNU SUSE ACME
""")
"""Acronyms that are pronounced as words."""

_EMPHASIS: Final = word_list("""
    A I AM AN AND ANY ARE AS AT BAD BE BIG BOTH BUT BUY BY CALL CAN COME DANGER DAY DEAR DID DO DOES DON
    DONE DOWN EACH EASY ELSE END ERROR EVEN EVER EVERY EXIT FAST FIND FIRE FOR FREE FROM FULL FUN GAME GET
    GIVE GO GOOD GOT GREAT HAD HAS HAVE HE HELLO HELP HER HERE HI HIGH HIM HIS HOLD HOT HOW IF IN INFO
    INTO IS IT ITS JUST KEEP KNOW LAST LESS LET LIFE LIKE LIVE LONG LOOK LOT LOUD LOVE LOW MAKE MANY MAY
    ME MORE MOST MUCH MUST MY NEED NEVER NEW NEWS NEXT NICE NO NONE NOT NOTE NOW OF OFF OH OLD ON ONCE ONE
    ONLY OPEN OR OUR OUT OVER OWN PART PLAY PLEASE PUSH PUT READ REAL RED RUN SAFE SALE SAY SEE SELL SHE
    SHOP SHOW SIGN SLOW SO SOME SOON STAY STOP SUCH SURE TAKE TALK TELL TEST TEXT THAN THANK THAT THE THEM
    THEN THERE THESE THEY THING THINK THIS THOSE TIME TO TOO TOP TRUE TRY TURN TWO UNDER UNTIL UP US USE
    VERY WAIT WALK WANT WARN WAS WAY WE WELL WENT WERE WHAT WHEN WHERE WHICH WHO WHY WILL WIN WITH WORD
    WORK WORLD WOULD WOW WRONG YEAR YES YET YOU YOUR TOUCH WIRE
""")
"""Common words in capitals: they are stressed, not spelled."""

_AMBIGUOUS: Final = frozenset(("IT", "US", "AM"))
"""Spelled unless everything is in capitals."""

_SPELT: Final = word_list("""
    AI API ASAP ATM AWS BMI CEO CIA CPU DIY DNA EU FAQ FBI FYI GPA GPU HTML HTTP IDE IMHO IOS IP IQ LED
    OMG PC PDF SSD TV UFO UI UK UN URL USA USB VIP VPN XML
""")
"""Acronyms that are spelled even where everything is in capitals."""

_LONGEST_ACRONYM: Final = 5
"""Letters; longer ones are words in capitals if they can be pronounced."""

_VOWELS: Final = frozenset("AEIOUY")


def versions(text: str, speller: Speller) -> str:
    """Say `v1.2.3` and `1.2.3` part by part."""
    return _VERSION.sub(lambda found: _version(found, speller), text)


def _version(found: Match, speller: Speller) -> str:
    parts = found["parts"].split(".")
    marked = found[0][len(found["word"] or "")].isalpha()
    if not marked and len(parts) < 3 and not found["rest"]:
        return str(found[0])
    point = aside(speller.signs["point"])
    said = point.join(speller.code(part) for part in parts)
    rest = (found["rest"] or "").lstrip("-+").replace(".", " ")
    word = found["word"] or (speller.signs["version"] if marked else "")
    before = found.string[max(0, found.start() - 3) : found.start()].rstrip()
    if marked and not found["word"] and before.endswith("版本"):
        word = ""
    return aside(f"{word} {said} {rest}")


def model_names(text: str, speller: Speller) -> str:
    """Say the number of `RTX 4090` as a code; name `C++`, `C#` and `mp4`."""
    text = _DEGREE.sub(" P h D ", text)
    text = _LANGUAGES.sub(lambda found: _language(found, speller), text)
    text = _INITIALS.sub(
        lambda found: f"{' '.join(found['one'])} {speller.signs['&']} {' '.join(found['other'])} ", text
    )
    text = _MULTIMEDIA.sub("m p", text)
    text = _CODEC.sub(lambda found: f"{found['letter']} {speller.code(found['number'])} ", text)
    return _MODEL.sub(lambda found: _model(found, speller), text)


def _model(found: Match, speller: Speller) -> str:
    variant = f" {speller.code(found['variant'])}" if found["variant"] else ""
    return f"{found['name']} {speller.code(found['number'])}{variant} "


def _language(found: Match, speller: Speller) -> str:
    plus = {"zh": "加加", "en": "plus plus"}[speller.language]
    return aside(f"{found['name']} {plus if found['sign'] == '++' else 'sharp'}")


def identifiers(text: str, speller: Speller) -> str:
    """Take apart `max_new_token`, `getUserName`, `GPT-4o`, `USB-C`; spell acronyms."""
    capitals = _shouts(text)
    return _TOKEN.sub(lambda found: _token(found[0], speller, shouting=capitals), text)


def _shouts(text: str) -> bool:
    """Tell whether the whole text is in capitals."""
    words = _CAPITALS.findall(text)
    return len(words) > 2 and not _SMALL.search(text)


_CAPITALS: Final = compiled(r"(?<![A-Za-z0-9])[A-Z]{2,}(?![A-Za-z0-9])")
_SMALL: Final = compiled(r"[a-z]")


def _token(token: str, speller: Speller, *, shouting: bool) -> str:
    if token.isdigit() or (token.islower() and token.isalpha()):
        return token
    if not _LETTER.search(token):
        return token
    parts = _JOINTS.split(token)
    said = " ".join(_part(part, speller, shouting=shouting) for part in parts if part)
    mixed = len(parts) > 1 or any(each.isdigit() for each in token)
    return aside(said) if mixed else said


def _part(part: str, speller: Speller, *, shouting: bool) -> str:
    if part in _SPECIAL:
        return _SPECIAL[part]
    return " ".join(_piece(piece, speller, shouting=shouting) for piece in _PIECE.findall(part))


def _piece(piece: str, speller: Speller, *, shouting: bool) -> str:
    if piece[0].isdigit():
        return f" {speller.signs['point']} ".join(speller.code(part) for part in piece.split("."))
    if _KNOWN.fullmatch(piece):
        return piece
    capitals = piece.rstrip("s")
    if not capitals.isupper() or len(capitals) < 2:
        return piece
    return " ".join(filter(None, (_acronym(capitals, shouting=shouting), piece[len(capitals) :])))


def _acronym(capitals: str, *, shouting: bool) -> str:
    """Spell capitals unless they are a word; a stressed word is written small."""
    if capitals in _WORDS:
        return capitals
    if capitals in _SPELT:
        return " ".join(capitals)
    vowels = sum(letter in _VOWELS for letter in capitals)
    long_word = len(capitals) > _LONGEST_ACRONYM and vowels > 1
    stressed = capitals in _EMPHASIS and (shouting or capitals not in _AMBIGUOUS)
    if stressed or long_word or (shouting and vowels):
        return capitals.lower()
    return " ".join(capitals)
