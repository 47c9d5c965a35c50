"""The speech-dispatcher output module `sd_chattts`: a thin client of the daemon, ready at once."""
