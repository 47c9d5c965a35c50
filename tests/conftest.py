"""Fixtures that many folders use; what one folder uses is in its own conftest.py."""

from support.kernels import kernels
from support.random_model import random_model
from support.sharing import pytest_runtest_setup, pytest_xdist_make_scheduler

__all__ = ["kernels", "pytest_runtest_setup", "pytest_xdist_make_scheduler", "random_model"]
