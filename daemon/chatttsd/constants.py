"""Names and numbers that the daemon shares with its clients; the only module that every room may import."""

from typing import Final

BUS_NAME: Final = "org.chattts.Speech1"
OBJECT_PATH: Final = "/org/chattts/Speech1"
INTERFACE: Final = "org.chattts.Speech1"
ERROR_PREFIX: Final = "org.chattts.Speech1.Error"
UNIT: Final = "chatttsd.service"

SPIEL_NAME: Final = "org.chattts.Speech.Provider"
"""libspiel finds a provider by the end of its bus name, and its object at the name with slashes."""
SPIEL_PATH: Final = "/org/chattts/Speech/Provider"
SPIEL_INTERFACE: Final = "org.freedesktop.Speech.Provider"

SAMPLE_RATE: Final = 24_000
"""Hz; every PCM byte string in the project is mono S16LE at this rate."""
SAMPLE_BYTES: Final = 2
