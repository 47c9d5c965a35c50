"""Clients of the bus for other speech systems."""
