"""Text to the tokens of a prompt, with upstream's strings (its `speaker.py` and `tokenizer.py`)."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelError, ModelShape

TOKENIZER: Final = "asset/tokenizer/tokenizer.json"

START_OF_SPEECH: Final = "[Stts]"
END_OF_PROMPT: Final = "[Ptts]"
SPEAKER: Final = "[spk_emb]"
NO_SPEAKER: Final = "[empty_spk]"
START_OF_REFINEMENT: Final = "[Sbreak]"
END_OF_REFINEMENT_PROMPT: Final = "[Pbreak]"
END_OF_REFINEMENT: Final = "[Ebreak]"
_FIRST_STYLE: Final = "[break_0]"
"""This token and those after it (styles) are prompts, never words: upstream drops them from refined text."""
_UNKNOWN: Final = "[UNK]"
_NEEDED: Final = (
    START_OF_SPEECH,
    END_OF_PROMPT,
    SPEAKER,
    NO_SPEAKER,
    START_OF_REFINEMENT,
    END_OF_REFINEMENT_PROMPT,
    END_OF_REFINEMENT,
    _FIRST_STYLE,
    _UNKNOWN,
)
_NO_BRACKETS: Final = str.maketrans("[]", "  ")
"""A control token is `[name]`: text without brackets cannot hold one, whatever the normaliser does."""

_CONTROL: Final = re.compile(r"\[[a-z_0-9]+\]")

DEFAULT_SPEED: Final = 5
"""Upstream's `InferCodeParams.prompt`: [speed_5]."""


class Tokens:
    """The model's tokenizer, `asset/tokenizer/tokenizer.json` in a model folder.

    Raises ModelError naming the file when it is missing, damaged, lacks a control token, or holds an id for
    which the model has no embedding.
    """

    def __init__(self, directory: Path, shape: ModelShape) -> None:
        path = directory / TOKENIZER
        self._tokenizer = _load(path)
        self._ids = {name: self._find(path, name) for name in _NEEDED}
        largest = max(self._tokenizer.get_vocab(with_added_tokens=True).values())
        if largest >= shape.text_tokens:
            raise ModelError(f"{path}: expected ids below {shape.text_tokens}, found {largest}")

    @property
    def speaker(self) -> int:
        """The id whose embedding a speaker's vector takes the place of."""
        return self._ids[SPEAKER]

    @property
    def end_of_refinement(self) -> int:
        """The id that ends refined text."""
        return self._ids[END_OF_REFINEMENT]

    def speech(
        self, text: str, *, speed: int | None = DEFAULT_SPEED, speaker: bool = True, sample_text: str = ""
    ) -> tuple[int, ...]:
        """Return `[Stts][spk_emb]{sample_text}[speed_N]{text}[Ptts]`, `[empty_spk]` without a speaker.

        Brackets in either text are read as spaces. Raises EngineError when the text gives no token.
        """
        plain = text.translate(_NO_BRACKETS)
        self._require_words(plain)
        return self._speech(plain, speed, speaker=speaker, sample_text=sample_text)

    def refined_speech(
        self,
        refined: str,
        *,
        speed: int | None = DEFAULT_SPEED,
        speaker: bool = True,
        sample_text: str = "",
    ) -> tuple[int, ...]:
        """Return what `speech` does for the text of `refined`, in which control words stay what they are.

        Raises EngineError when the words beside them give no token.
        """
        self._require_words(_CONTROL.sub(" ", refined))
        return self._speech(refined, speed, speaker=speaker, sample_text=sample_text)

    def missing(self, text: str) -> int:
        """Return how many words or Chinese characters of a text would not be said: no vocabulary has them."""
        return self._encode(text.translate(_NO_BRACKETS)).count(self._ids[_UNKNOWN])

    def refinement(
        self, text: str, *, oral: int | None = None, laugh: int | None = None, breaks: int | None = None
    ) -> tuple[int, ...]:
        """Return `[Sbreak]{text}[Pbreak][oral_N][laugh_N][break_N]`, each only where it is asked for.

        Brackets in the text are read as spaces. Raises EngineError when the text gives no token.
        """
        plain = text.translate(_NO_BRACKETS)
        self._require_words(plain)
        style = self._style("oral", oral) + self._style("laugh", laugh) + self._style("break", breaks)
        return self._encode(f"{START_OF_REFINEMENT}{plain}{END_OF_REFINEMENT_PROMPT}{style}")

    def refined(self, tokens: Iterable[int]) -> str:
        """Return drawn tokens as text, control words in brackets, for `refined_speech` only."""
        words = [token for token in tokens if token < self._ids[_FIRST_STYLE]]
        return self._tokenizer.decode(words, skip_special_tokens=False)

    def _speech(self, words: str, speed: int | None, *, speaker: bool, sample_text: str) -> tuple[int, ...]:
        for name in (START_OF_SPEECH, SPEAKER, NO_SPEAKER):
            words = words.replace(name, "")
        who = SPEAKER if speaker else NO_SPEAKER
        sample = sample_text.translate(_NO_BRACKETS)
        style = self._style("speed", speed)
        return self._encode(f"{START_OF_SPEECH}{who}{sample}{style}{words.strip()}{END_OF_PROMPT}")

    def _style(self, name: str, value: int | None) -> str:
        if value is None:
            return ""
        token = f"[{name}_{value}]"
        if self._tokenizer.token_to_id(token) is None:
            raise EngineError(f"{name}={value}: this model has no such style ({token})")
        return token

    def _require_words(self, words: str) -> None:
        if all(token == self._ids[_UNKNOWN] for token in self._encode(words)):
            raise EngineError(f"none of the {len(words)} characters is in the model's vocabulary")

    def _encode(self, words: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(words, add_special_tokens=False).ids)

    def _find(self, path: Path, name: str) -> int:
        found = self._tokenizer.token_to_id(name)
        if found is None:
            raise ModelError(f"{path}: the token {name} is missing")
        return found


def _load(path: Path) -> Tokenizer:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not UTF-8 at byte {error.start}") from error
    try:
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:  # the library raises plain Exception whatever is wrong
        raise ModelError(f"{path}: not a tokenizer ({error})") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
