"""The ChatTTS model files: which they are, where they lie, whether they are whole; no torch here."""
