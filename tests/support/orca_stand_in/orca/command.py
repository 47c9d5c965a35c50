"""Commands that an extension offers."""

from collections.abc import Callable


class KeyboardCommand:
    """A command that can be bound to a key."""

    def __init__(
        self, name: str, function: Callable[[], bool], group_label: str, description: str = ""
    ) -> None:
        self.name = name
        self.function = function
        self.group_label = group_label
        self.description = description
