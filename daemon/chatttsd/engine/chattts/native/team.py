"""Threads that share the work of a step: claims, completion and waiting, by atomic words in shared memory.

The words lie in an int64 array, cache lines apart. Each thread has a share of a phase's chunks and a word at
`CLAIMS` with the phase's serial and the next chunk of its share. A thread whose share is done takes from the
others': one that is not scheduled delays nothing but the chunk in its hands. Who completes a phase's last
chunk opens the next.
"""

from typing import Final

from llvmlite import ir

from chatttsd.engine.chattts.native.emitter import BYTE, LONG, WORD, Emitter, Value
from chatttsd.engine.chattts.native.jit import INT, NOTHING, emitted

_WORD_BYTES: Final = 8
CLAIM_WORDS: Final = 16
"""Two cache lines: CPUs fetch them in pairs."""
DONE: Final = 0 * CLAIM_WORDS
SLEEPERS: Final = 1 * CLAIM_WORDS
STOPPED: Final = 2 * CLAIM_WORDS
RESTING: Final = 3 * CLAIM_WORDS
"""Steps, this one included, that the leader does alone."""
PATIENCE: Final = 4 * CLAIM_WORDS
"""How many steps the next rest has."""
LEFT: Final = 5 * CLAIM_WORDS
"""How many cores are left to other threads of this process: so many helpers, the last ones, sleep."""
CLAIMS: Final = 6 * CLAIM_WORDS
CHUNK_BITS: Final = 16

_MONOTONIC: Final = 1
"""CLOCK_MONOTONIC"""
_NANOSECONDS: Final = 1_000_000_000
_ORDER: Final = "seq_cst"


def _place(e: Emitter, array: Value, index: Value) -> Value:
    return e.builder.bitcast(e.at(array, e.times(index, _WORD_BYTES)), LONG.as_pointer())


@emitted(INT, 2)
def peek(e: Emitter, values: list[Value], _dtypes: list[str]) -> Value:
    """`peek(words, index)`: read a word."""
    return e.builder.load_atomic(_place(e, *values), _ORDER, _WORD_BYTES)


@emitted(NOTHING, 3)
def publish(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`publish(words, index, value)`: write a word after everything written before it."""
    words, index, value = values
    e.builder.store_atomic(value, _place(e, words, index), _ORDER, _WORD_BYTES)


@emitted(INT, 3)
def add(e: Emitter, values: list[Value], _dtypes: list[str]) -> Value:
    """`add(words, index, amount)`: add to a word; returns what it was."""
    words, index, amount = values
    return e.builder.atomic_rmw("add", _place(e, words, index), amount, _ORDER)


@emitted(INT, 4)
def swap(e: Emitter, values: list[Value], _dtypes: list[str]) -> Value:
    """`swap(words, index, expected, wanted)`: put wanted if expected is there; returns 1 if it was."""
    words, index, expected, wanted = values
    pair = e.builder.cmpxchg(_place(e, words, index), expected, wanted, _ORDER, _ORDER)
    return e.builder.zext(e.builder.extract_value(pair, 1), LONG)


@emitted(NOTHING, 0)
def relax(e: Emitter, _values: list[Value], _dtypes: list[str]) -> None:
    """`relax()`: tell the core that this is a waiting loop."""
    if "sse2" in e.features:
        e.call("llvm.x86.sse2.pause", ir.VoidType())


@emitted(NOTHING, 0)
def give_way(e: Emitter, _values: list[Value], _dtypes: list[str]) -> None:
    """`give_way()`: let another thread have the core (sched_yield)."""
    e.call("sched_yield", WORD)


@emitted(INT, 0)
def now(e: Emitter, _values: list[Value], _dtypes: list[str]) -> Value:
    """`now()`: nanoseconds of the monotonic clock."""
    with e.builder.goto_entry_block():
        slot = e.builder.alloca(ir.ArrayType(LONG, 2))
    pointer = e.builder.bitcast(slot, BYTE.as_pointer())
    e.call("clock_gettime", WORD, e.word(_MONOTONIC), pointer)
    return e.plus(e.times(e.load(LONG, pointer, 0, 8), _NANOSECONDS), e.load(LONG, pointer, _WORD_BYTES, 8))


def _transfer(e: Emitter, name: str, descriptor: Value, count: Value) -> None:
    with e.builder.goto_entry_block():
        slot = e.builder.alloca(LONG)
    e.builder.store(count, slot)
    pointer = e.builder.bitcast(slot, BYTE.as_pointer())
    e.call(name, LONG, e.builder.trunc(descriptor, WORD), pointer, e.long(_WORD_BYTES))


@emitted(NOTHING, 1)
def sleep_on(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`sleep_on(descriptor)`: wait for one wake-up of a counting eventfd."""
    _transfer(e, "read", values[0], e.long(0))


@emitted(NOTHING, 2)
def wake(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`wake(descriptor, count)`: wake so many sleepers of a counting eventfd."""
    _transfer(e, "write", *values)
