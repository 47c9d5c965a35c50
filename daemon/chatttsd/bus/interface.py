"""A D-Bus interface declared by decorators: dispatch, properties and introspection XML from one source."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from dbus_next.signature import Variant

from chatttsd.bus import errors

# Arguments and results are whatever the D-Bus signature says; each method states its own types.
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and the file descriptors that came along (closed after the call unless taken)."""

    sender: str
    fds: list[int] = field(default_factory=list)

    def take_fd(self, index: int) -> int:
        """Take ownership of a descriptor by the index that the `h` argument holds; raises BusError."""
        if not 0 <= index < len(self.fds) or self.fds[index] < 0:
            raise errors.invalid_args(f"fd: got index {index}, but {len(self.fds)} descriptors came")
        fd, self.fds[index] = self.fds[index], -1
        return fd


@dataclass(frozen=True, slots=True)
class Method:
    """One method: argument names with signatures, and the function behind it."""

    name: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    function: Function
    free: bool
    """Not counted against the sender's call quota: what stops the voice must always get through."""
    crowded: bool
    """Counted in a quota of its own, since clients make many such calls at once and survive no refusal."""

    @property
    def signature(self) -> str:
        """The D-Bus signature of the arguments."""
        return "".join(signature for _, signature in self.inputs)

    @property
    def result(self) -> str:
        """The D-Bus signature of the reply."""
        return "".join(signature for _, signature in self.outputs)


@dataclass(frozen=True, slots=True)
class Property:
    """One property; a constant one has `emits` false."""

    name: str
    signature: str
    getter: Function
    setter: Function | None
    emits: str
    cost: float
    """What reading it costs of the sender's quota of reads."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: argument names with signatures, and its description."""

    name: str
    arguments: tuple[tuple[str, str], ...]
    doc: str

    @property
    def signature(self) -> str:
        """The D-Bus signature of the arguments."""
        return "".join(signature for _, signature in self.arguments)


def method(
    inputs: str = "", outputs: str = "", *, free: bool = False, crowded: bool = False
) -> Callable[[Function], Function]:
    """Mark a function as a D-Bus method; `inputs` and `outputs` are like `"text s, options a{ss}"`.

    The function takes `(self, call: Call, *arguments)` and returns the result(s) or an awaitable of them.
    """

    def mark(function: Function) -> Function:
        taken, given = _arguments(inputs), _arguments(outputs)
        function.dbus = Method(_camel(function), taken, given, function, free, crowded)  # type: ignore[attr-defined]  # functions take attributes
        return function

    return mark


def readable(
    signature: str, *, setter: str = "", emits: str = "true", cost: float = 1.0
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Mark a function as the getter of a property; `setter` names the method that sets it."""

    def mark(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        function.dbus = (signature, setter, emits, cost)  # type: ignore[attr-defined]  # functions take attributes
        return function

    return mark


def _camel(function: Function) -> str:
    return "".join(part.capitalize() for part in function.__name__.split("_"))


def _arguments(declared: str) -> tuple[tuple[str, str], ...]:
    pairs = (item.split() for item in declared.split(",") if item.strip())
    return tuple((name, signature) for name, signature in pairs)


class Interface:
    """Base of an exported interface: subclasses set `name`, `signals` and decorate their methods."""

    name: str = ""
    signals: tuple[Signal, ...] = ()

    def __init__(self) -> None:
        self.methods: dict[str, Method] = {}
        self.properties: dict[str, Property] = {}
        for _, function in inspect.getmembers(type(self), inspect.isfunction):
            declared = getattr(function, "dbus", None)
            if isinstance(declared, Method):
                self.methods[declared.name] = declared
            elif declared is not None:
                self._add_property(function, *declared)

    def _add_property(self, getter: Function, signature: str, setter: str, emits: str, cost: float) -> None:
        name = _camel(getter)
        set_function = getattr(type(self), setter) if setter else None
        self.properties[name] = Property(name, signature, getter, set_function, emits, cost)

    def find(self, member: str, signature: str) -> Method:
        """Return the method; raises BusError naming what came and what is allowed."""
        found = self.methods.get(member)
        if found is None:
            raise errors.unknown_method(f"{self.name} has no method '{member[:80]}'")
        if found.signature != signature:
            raise errors.invalid_args(
                f"{member}: got arguments of type '{signature[:80]}', allowed: '{found.signature}'"
            )
        return found

    def decline(self, fds: list[int]) -> None:
        """Let go of the descriptors of a crowded call that is turned away; -1 for those that are closed."""

    def get(self, name: str) -> Variant:
        """Return a property's value; raises BusError for an unknown one."""
        found = self._property(name)
        return Variant(found.signature, found.getter(self))

    def cost(self, name: str) -> float:
        """Return what reading a property costs; raises BusError for an unknown one."""
        return self._property(name).cost

    def get_all(self) -> dict[str, Variant]:
        """Return every property's value."""
        return {name: self.get(name) for name in self.properties}

    def set(self, name: str, value: Variant) -> None:
        """Set a property; raises BusError for an unknown, read-only or ill-typed one."""
        found = self._property(name)
        if found.setter is None:
            raise errors.read_only(f"{self.name}.{name} can only be read")
        if value.signature != found.signature:
            raise errors.invalid_args(
                f"{name}: got a value of type '{value.signature[:80]}', allowed: '{found.signature}'"
            )
        found.setter(self, value.value)

    def _property(self, name: str) -> Property:
        found = self.properties.get(name)
        if found is None:
            raise errors.unknown_property(f"{self.name} has no property '{name[:80]}'")
        return found


def reply_body(found: Method, result: object) -> list[Any]:
    """Return a method's result as the list that a D-Bus message body is."""
    if not found.outputs:
        return []
    return list(result) if isinstance(result, tuple) and len(found.outputs) > 1 else [result]


def is_awaitable(result: object) -> bool:
    """Tell whether a method answers later."""
    return isinstance(result, Awaitable)
