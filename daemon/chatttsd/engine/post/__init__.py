"""What happens to an engine's samples on their way out of the worker process."""
