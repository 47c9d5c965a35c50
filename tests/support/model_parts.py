"""Parts of a model that cost nothing: the real tokenizer's files, and a front end that changes nothing."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelShape
from chatttsd.engine.chattts.random_model.tokenizer import files
from chatttsd.engine.chattts.tokens import Tokens


def make_tokens(folder: Path) -> Tokens:
    """Write the tokenizer of a random model into a folder and read it."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return Tokens(folder, ModelShape())


@dataclass(frozen=True)
class Plain:
    text: str
    kept: float = 1.0


@dataclass
class PlainFrontEnd:
    """Says every text as it is written; a text of nothing but `?` cannot be spoken, and `ж` is left out."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def spoken(self, text: str, language: str) -> Plain:
        self.heard.append((text, language))
        if not text.strip("?"):
            raise EngineError("nothing in the text can be spoken")
        return Plain(text.replace("ж", ""), 1 - text.count("ж") / len(text))
