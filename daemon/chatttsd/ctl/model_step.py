"""What to type so that ChatTTS speaks, by what the daemon tells of its model."""

import importlib.util
from collections.abc import Mapping
from typing import Any, Final

LIBRARIES: Final = "install its libraries: ./packaging/install.sh --with-chattts"
_STEPS: Final = {
    "absent": "chatttsctl models fetch",
    "unloaded": "chatttsctl load",
    "failed": "chatttsctl models verify, then chatttsctl load",
}


def have_libraries() -> bool:
    """Return whether torch is installed beside this command; it is only looked for, which is cheap."""
    return importlib.util.find_spec("torch") is not None


def next_step(properties: Mapping[str, Any]) -> str:
    """Return the next step towards ChatTTS; empty when it speaks, is on its way, or is not wanted."""
    state = properties.get("ModelState")
    if not properties.get("Reason") or state not in _STEPS:
        return ""
    if state == "absent" and not have_libraries():
        return LIBRARIES
    return _STEPS[str(state)]
