"""What Orca 51 does with an extension, as a program for Debian's own Python (which has python3-gi).

Usage: PYTHONPATH=orca_stand_in python3 orca_host.py EXTENSION. It reads commands from standard input, one
JSON object a line, in a GLib main loop such as Orca's, and answers each with a line; what Orca itself would
say is a line `{"orca": text}` of its own.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from gi.repository import GLib
from orca.extension import Extension, SpeechOutput


def load(path: str) -> ModuleType:
    """Load an extension file as Orca's extension_loader does."""
    spec = importlib.util.spec_from_file_location("orca_user_extension.chatttsd", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Host:
    """Presents text as Orca's speech_presenter does."""

    def __init__(self, module: ModuleType) -> None:
        classes = [thing for thing in vars(module).values() if isinstance(thing, type)]
        (found,) = [thing for thing in classes if issubclass(thing, Extension) and thing is not Extension]
        self.extension = found()
        self.extension.controller.speak = self.speak_single
        self.loop = GLib.MainLoop()

    def speak_single(self, text: str) -> None:
        """Offer a text to the extension; say it when that does not take it."""
        result = self.extension.on_speech_output(SpeechOutput(text))
        if result is None or not result.consume:
            answer({"orca": text})

    def say_all(self, texts: list[str]) -> None:
        """Go through a document: a consumed sentence counts as read, and the next one follows at once."""

        def contexts() -> Iterator[str]:
            for text in texts:
                result = self.extension.on_speech_output(SpeechOutput(text))
                if result is None or not result.consume:
                    yield text

        for text in contexts():
            answer({"orca": text})

    def obey(self, command: dict[str, Any]) -> None:
        """Carry a command out."""
        for text in command.get("present", []):
            self.speak_single(text)
        if "say_all" in command:
            self.say_all(command["say_all"])
        self.extension.settings.values |= command.get("settings", {})
        self.extension.controller.rate = command.get("rate", self.extension.controller.rate)
        if "press" in command:
            for binding in self.extension._get_commands():
                binding.function()
        if command.get("off"):
            self.extension.on_shutdown()
        answer({"done": command["number"], "there": self.extension._there})

    def take(self, _source: int, condition: GLib.IOCondition) -> bool:
        """Read one command."""
        line = sys.stdin.readline() if condition & GLib.IOCondition.IN else ""
        if not line:
            self.loop.quit()
            return False
        self.obey(json.loads(line))
        return True


def answer(value: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def main() -> None:
    """Run until standard input ends."""
    host = Host(load(sys.argv[1]))
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, host.take)
    host.loop.run()


if __name__ == "__main__":
    main()
