"""Sound output: the PortAudio player and the supervisor that keeps it alive."""
