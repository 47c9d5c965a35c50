"""Names of characters and keys for espeak-ng: those of `speech.names`."""

from chatttsd.speech.names import character_name, key_name

__all__ = ["character_name", "key_name"]
