"""The D-Bus surface of the daemon."""
