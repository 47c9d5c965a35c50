"""chatttsd: a resident ChatTTS voice for Linux desktops, spoken to over D-Bus."""

__version__ = "0.1.0"
