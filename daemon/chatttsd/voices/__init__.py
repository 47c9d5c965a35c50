"""Named ChatTTS voices: stored speaker strings, built in or in a folder of the user's; no torch here."""
