"""The resident ChatTTS voice: our own decoder of its model; imported in the worker process only."""
