"""numba and llvmlite behind typed names: compiled functions, and functions that emit LLVM themselves."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any, ParamSpec, TypeVar

import llvmlite.binding
import numba
from numba.core import config, types
from numba.extending import intrinsic

from chatttsd.engine.chattts.native.emitter import BYTE, Emitter

P = ParamSpec("P")
R = TypeVar("R")

_SETTINGS: Any = config
"""numba's settings; its types do not name them."""

INT = types.int64
FLOAT = types.float32
NOTHING = types.void

Body = Callable[[Emitter, list[Any], list[str]], Any]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on the first call, without the GIL; kept on disk where `cache.prepare` found a place."""
    kept = bool(_SETTINGS.CACHE_DIR)
    jitted: Callable[P, R] = numba.njit(nogil=True, cache=kept)(function)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as a part of the compiled functions that call it."""
    jitted: Callable[P, R] = numba.njit(nogil=True)(function)
    return jitted


def features() -> frozenset[str]:
    """Return what numba compiles for, in LLVM's names (`avx512vnni`); NUMBA_CPU_NAME and _FEATURES count."""
    if _SETTINGS.CPU_NAME is None and _SETTINGS.CPU_FEATURES is None:
        found = llvmlite.binding.get_host_cpu_features()
        return frozenset(name for name, present in found.items() if present)
    named = (_SETTINGS.CPU_FEATURES or "").split(",")
    return frozenset(name[1:] for name in named if name.startswith("+"))


def emitted(result: Any, arguments: int) -> Callable[[Body], Callable[..., Any]]:  # noqa: ANN401 - numba ships no types
    """Make a function of so many arguments for compiled code from one that emits its instructions.

    The body gets each array argument as a byte pointer, each number as it came (whole numbers as int64),
    and the dtype's name of each array (`""` for a number). It returns the value of type `result`.
    """

    def decorate(body: Body) -> Callable[..., Any]:
        def typed(_typing: Any, *kinds: Any) -> Any:  # noqa: ANN401 - numba ships no types
            wanted = [INT if isinstance(kind, types.Integer) else kind for kind in kinds]
            dtypes = [str(kind.dtype) if isinstance(kind, types.Array) else "" for kind in wanted]

            def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:  # noqa: ANN401 - numba ships no types
                actual = [
                    _plain(context, builder, *pair) for pair in zip(signature.args, values, strict=True)
                ]
                value = body(Emitter(builder, features()), actual, dtypes)
                return context.get_dummy_value() if value is None else value

            return result(*wanted), generate

        typed.__name__ = body.__name__
        names = ["typing", *(f"argument{number}" for number in range(arguments))]
        parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        vars(typed)["__signature__"] = Signature(parameters)  # what numba asks for the arguments' names
        made: Callable[..., Any] = intrinsic(typed)
        return made

    return decorate


def _plain(context: Any, builder: Any, kind: Any, value: Any) -> Any:  # noqa: ANN401 - numba ships no types
    if not isinstance(kind, types.Array):
        return value
    data = context.make_array(kind)(context, builder, value).data
    return builder.bitcast(data, BYTE.as_pointer())
