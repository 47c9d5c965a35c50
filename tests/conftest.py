"""Fixtures that many folders use; what one folder uses is in its own conftest.py."""

from support.kernels import kernels
from support.random_model import random_model

__all__ = ["kernels", "random_model"]
