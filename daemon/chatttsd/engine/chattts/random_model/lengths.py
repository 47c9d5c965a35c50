"""How a random model knows when its text is over: three hidden values that no random layer touches.

`SPOKEN` holds in each text token how many audio tokens it should get, plus one for itself (in `UNIT`s), and
nothing in audio tokens. Layer 0 has an attention head without preference, so `MEAN` becomes the average of
`SPOKEN` over all positions so far; it falls to `UNIT` when there are as many audio tokens as the text should
get. `ONE` is 1 everywhere. The end code's logit is GAIN x (UNIT x `ONE` - `MEAN`).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.chattts.random_model.vocabulary import SPECIAL, pieces, seconds
from chatttsd.models.layout import HIDDEN

Array = NDArray[np.float32]

SPOKEN: Final = HIDDEN - 3
MEAN: Final = HIDDEN - 2
ONE: Final = HIDDEN - 1
RESERVED: Final = slice(HIDDEN - 3, HIDDEN)
UNIT: Final = 0.5
"""What one position counts in `SPOKEN`: large beside a speaker's value there, small beside sqrt(HIDDEN)."""
GAIN: Final = 400.0
"""The end code goes from unlikely to certain within about 2 % of the length."""
_FULLEST: Final = 0.9
"""The largest part of a row's length that the reserved values may take."""


def spoken(rate: float) -> Array:
    """Return `SPOKEN` of every text token, `rate` in audio tokens per second; float32 [text tokens]."""
    sounding = [seconds(piece) for piece in pieces()] + [0.0] * len(SPECIAL)
    wanted = UNIT * (rate * np.array(sounding) + 1)
    return np.minimum(wanted, np.sqrt(HIDDEN * _FULLEST)).astype(np.float32)


def put_in_text(rows: Array, rate: float) -> None:
    """Write the reserved values of `emb_text` [text tokens, hidden]; the mean square of a row becomes 1."""
    rows[:, SPOKEN], rows[:, MEAN], rows[:, ONE] = spoken(rate), 0.0, 1.0
    left = HIDDEN - np.square(rows[:, RESERVED]).sum(axis=1)
    others = rows[:, : RESERVED.start]
    others *= np.sqrt(left / np.square(others).sum(axis=1))[:, None]


def put_in_codes(rows: Array, codebooks: int) -> None:
    """Write the reserved values of one `emb_code` [codes, hidden]; the codes of all books are summed."""
    rows[:, RESERVED] = 0.0
    rows[:, ONE] = 1.0 / codebooks


def average_head(layer: dict[str, Array], head: int) -> None:
    """Make the first attention head (of size `head`) of a layer write the mean of `SPOKEN` into `MEAN`.

    `layer` has the parts `q`, `k`, `v`, `o` that are there; they are [hidden, hidden].
    """
    for part in layer.keys() & {"q", "k"}:
        layer[part][:head] = 0.0
    if "v" in layer:
        layer["v"][0] = 0.0
        layer["v"][0, SPOKEN] = 1.0
    if "o" in layer:
        layer["o"][:, 0] = 0.0
        layer["o"][MEAN, 0] = 1.0


def end_row(end: str) -> tuple[Array, float]:
    """Return direction [hidden] and length of the end code's row; `end` is one of `weights.ENDS`."""
    row = np.zeros(HIDDEN, np.float32)
    row[ONE] = UNIT
    row[MEAN] = -1.0
    if end == "never":
        row[ONE], row[MEAN] = -1.0, 0.0
    return row, GAIN * float(np.linalg.norm(row))
