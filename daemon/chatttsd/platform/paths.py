"""Where the configuration, the model and the voices live (XDG base directories)."""

import os
from pathlib import Path

from platformdirs import PlatformDirs

_NAME = "chatttsd"


def _dirs() -> PlatformDirs:
    return PlatformDirs(_NAME, appauthor=False)


def config_files() -> list[Path]:
    """Return the places of config.toml, most specific first: `$CHATTTSD_CONFIG`, the user's, the system's."""
    named = os.environ.get("CHATTTSD_CONFIG")
    if named:
        return [Path(named)]
    system = (Path(root) / _NAME for root in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if root)
    return [folder / "config.toml" for folder in (_dirs().user_config_path, *system)]


def model_directory() -> Path:
    """Return the folder that holds the model's `asset/` unless `[chattts] model_dir` names another."""
    return _dirs().user_data_path / "models" / "ChatTTS"


def voices_directory() -> Path:
    """Return the folder of the user's own ChatTTS voices."""
    return _dirs().user_data_path / "voices"


def cache_directory() -> Path:
    """Return the folder of what can be made again, such as compiled kernels; never anything spoken."""
    return _dirs().user_cache_path
