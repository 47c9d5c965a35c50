"""Upstream's `Speaker` and its statistics, without importing the whole of ChatTTS."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _module(relative: str) -> ModuleType:
    package = importlib.util.find_spec("ChatTTS")
    assert package is not None
    assert package.origin is not None
    name = f"upstream_{Path(relative).stem}"
    spec = importlib.util.spec_from_file_location(name, Path(package.origin).parent / relative)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def speaker_class() -> Any:  # noqa: ANN401 - upstream has no types
    """Return upstream's class `Speaker`."""
    return _module("model/speaker.py").Speaker


def statistics_string() -> str:
    """Return upstream's `Config.spk_stat`."""
    return str(_module("config/config.py").Config().spk_stat)
