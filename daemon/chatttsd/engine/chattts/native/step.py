"""A decode step, or the heads after it, in one compiled call shared by a team of threads (see `team`)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.chattts.native import rows, team
from chatttsd.engine.chattts.native.dot import GROUP, MOST_ROWS
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.jit import compiled, inlined
from chatttsd.engine.chattts.native.layers import norm, norm_factor, run_chunk
from chatttsd.engine.chattts.native.plan import (
    LOGIT_TILES,
    PHASES,
    Buffers,
    Model,
    chunks,
    cycle,
    share_start,
)

_CHUNK_MASK: Final = (1 << team.CHUNK_BITS) - 1
_SPINS: Final = 400
"""About 20 us of waiting before the core is offered to others."""
_YIELDS: Final = 3000
"""About 2 ms more between two steps before a helper sleeps."""
_STALL_NANOSECONDS: Final = 300_000
"""Waiting this long for one chunk means that a helper was not running."""
_NEVER: Final = -1
"""No serial."""
SHORTEST_REST: Final = 2
"""Steps: about as long as one piece of the vocoder's work."""
_LONGEST_REST: Final = 8


def idle_serial(layers: int) -> int:
    """Return a serial of idle time after a step's last phase; serials count on from step to step."""
    return PHASES * layers


def heads_begin(layers: int) -> int:
    """Return what `work` takes as `begin` for the heads."""
    return PHASES * layers + 1


@inlined
def _claim_word(thread: int) -> int:
    return team.CLAIMS + thread * team.CLAIM_WORDS


@inlined
def _serial(b: Buffers) -> int:
    """Return the serial of what is open; the last thread's word is written last."""
    word: int = team.peek(b.words, _claim_word(b.threads - 1))
    return word >> team.CHUNK_BITS


@inlined
def _phase(m: Model, serial: int) -> int:
    """Return the phase of a serial."""
    return serial % cycle(m)


@inlined
def _open(m: Model, b: Buffers, serial: int) -> None:
    """Let a phase, or idle time, begin."""
    team.publish(b.words, team.DONE, 0)
    for thread in range(b.threads):
        start = share_start(m, b.threads, _phase(m, serial), thread)
        team.publish(b.words, _claim_word(thread), (serial << team.CHUNK_BITS) + start)


@inlined
def _claim(m: Model, b: Buffers, serial: int, thread: int) -> int:
    """Take a chunk of a phase, of the own share first; returns -1 where there is none."""
    phase = _phase(m, serial)
    for further in range(b.threads):
        other = (thread + further) % b.threads
        end = share_start(m, b.threads, phase, other + 1)
        word: int = team.peek(b.words, _claim_word(other))
        while word >> team.CHUNK_BITS == serial and word & _CHUNK_MASK < end:
            if team.swap(b.words, _claim_word(other), word, word + 1):
                return word & _CHUNK_MASK
            word = team.peek(b.words, _claim_word(other))
    return -1


@inlined
def _rests(b: Buffers, thread: int) -> bool:
    if thread == 0:
        return False
    resting: int = team.peek(b.words, team.RESTING)
    left: int = team.peek(b.words, team.LEFT)
    return resting > 0 or thread >= b.threads - left


@inlined
def _wait(m: Model, b: Buffers, waited: int, thread: int) -> int:
    """Wait a little, longer each time; a helper without work sleeps. Returns how often it has waited."""
    resting = _rests(b, thread)
    if waited < _SPINS and not resting:
        team.relax()
        return waited + 1
    if thread == 0 or (waited < _SPINS + _YIELDS and not resting):
        team.give_way()
        return waited + 1
    team.add(b.words, team.SLEEPERS, 1)
    workless = chunks(m, _phase(m, _serial(b))) == 0 or _rests(b, thread)
    if workless and not team.peek(b.words, team.STOPPED):
        team.sleep_on(b.eventfd)
    team.add(b.words, team.SLEEPERS, -1)
    return 0


@inlined
def _do(m: Model, b: Buffers, serial: int, chunk: int, thread: int, normed: int) -> None:
    """Do a chunk that was claimed; `normed` is the serial for which the thread has normed."""
    phase = _phase(m, serial)
    if normed != serial and phase % 2 == 0 and phase < PHASES * m.layers:
        norm(m, b, phase // 2, thread)
    run_chunk(m, b, phase, chunk, thread)
    if team.add(b.words, team.DONE, 1) + 1 == chunks(m, phase):
        _open(m, b, serial + 1)


@inlined
def _work(m: Model, b: Buffers, thread: int, last: int) -> int:
    """Do chunks: the leader until the serial is `last`, a helper until the team is stopped.

    Returns how long the leader waited for one chunk at most, in nanoseconds.
    """
    normed, waited, since, longest = -1, 0, 0, 0
    while True:
        serial = _serial(b)
        chunk = -1 if _rests(b, thread) else _claim(m, b, serial, thread)
        if thread == 0 and waited > _SPINS and (chunk >= 0 or serial == last):
            longest = max(longest, team.now() - since)
        if chunk >= 0:
            _do(m, b, serial, chunk, thread, normed)
            normed, waited = serial, 0
        elif serial == last or (thread > 0 and team.peek(b.words, team.STOPPED)):
            return longest
        else:
            waited = _wait(m, b, waited, thread)
            if thread == 0 and waited == _SPINS:
                since = team.now()


@inlined
def _judge(b: Buffers, longest: int) -> None:
    """Let helpers rest that kept the leader waiting: their cores are busy with something else."""
    resting = team.peek(b.words, team.RESTING)
    if b.row_count[0] > MOST_ROWS or team.peek(b.words, team.LEFT) > 0:
        return  # a prompt's chunks take that long, and so does the one whose core was just left to another
    if resting > 0:
        team.publish(b.words, team.RESTING, resting - 1)
    elif longest > _STALL_NANOSECONDS:
        patience = b.words[team.PATIENCE]
        team.publish(b.words, team.RESTING, patience)
        b.words[team.PATIENCE] = min(2 * patience, _LONGEST_REST)
    else:
        b.words[team.PATIENCE] = max(b.words[team.PATIENCE] - 1, SHORTEST_REST)


@inlined
def _begin(m: Model, b: Buffers, begin: int) -> int:
    """Open a phase and wake who is needed for it; returns its serial."""
    after = _serial(b) + 1
    serial = after + (begin - after) % cycle(m)
    _open(m, b, serial)
    sleepers = team.peek(b.words, team.SLEEPERS) - team.peek(b.words, team.LEFT)
    if sleepers > 0 and not team.peek(b.words, team.RESTING):
        team.wake(b.eventfd, sleepers)
    return serial


@inlined
def _tell_hidden(m: Model, b: Buffers, out: NDArray[np.float32], first: int) -> None:
    """Norm the rows from `first` on for the last time."""
    hidden = m.hidden_groups * GROUP
    for row in range(first, b.row_count[0]):
        factor = norm_factor(m, b, row)
        for at in range(0, hidden, GROUP):
            to = (row - first) * hidden + at
            rows.scale_group(b.x, row * hidden + at, factor, m.gains, 2 * m.layers * hidden + at, out, to)


@inlined
def _tell_logits(m: Model, b: Buffers, out: NDArray[np.float32]) -> None:
    """Leave out what fills the last chunk."""
    made = m.head_chunks * LOGIT_TILES * LANES
    for row in range(b.row_count[0]):
        out[row * m.logits : (row + 1) * m.logits] = b.logits[row * made : row * made + m.logits]


@compiled
def work(m: Model, b: Buffers, thread: int, begin: int, out: NDArray[np.float32], first: int) -> None:
    """Do a run with the team (thread 0), or help until the team is stopped.

    `begin` 0: take the rows in x through all layers; `out` [n, hidden] flat gets the rows from `first` on
    after the final norm. `begin` the phase of the heads: x holds 1..MOST_ROWS hidden states, `out` [rows,
    logits] flat gets what the heads make of them. One function, to compile once.
    """
    last = _NEVER
    if thread == 0:
        last = _begin(m, b, begin) + (1 if begin > 0 else PHASES * m.layers)
    longest = _work(m, b, thread, last)
    if thread > 0:
        return
    if begin > 0:
        _tell_logits(m, b, out)
    else:
        _judge(b, longest)
        _tell_hidden(m, b, out, first)
