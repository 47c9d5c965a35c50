"""The text front end of ChatTTS: `FrontEnd().spoken(text, language)`."""

from .emoji import EmojiStyle
from .front_end import FrontEnd, Spoken, UnspeakableError

__all__ = ["EmojiStyle", "FrontEnd", "Spoken", "UnspeakableError"]
