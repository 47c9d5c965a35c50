"""A synthesiser that says again what it has said before, sample for sample, out of the cache."""

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import Synthesiser, SynthesisRequest, Word
from chatttsd.engine.cache import Entry, Key, PcmCache

PIECE: Final = SAMPLE_RATE * SAMPLE_BYTES // 4
"""Bytes of a piece of a hit: 250 ms, what the sound output takes at once."""
_DIGEST_BYTES: Final = 16

Identity = Callable[[str], tuple[object, ...] | None]
"""Returns, by voice, what beside a request decides its sound: the engine, what it runs on, what the voice is.

None when that is not known, or not certain for now."""


class Shelf:
    """The part of the cache that belongs to one engine.

    An entry is what this engine made of this very request with these files: that is why it may be played
    while the engine is loading or unloaded.
    """

    def __init__(self, cache: PcmCache, identity: Identity) -> None:
        self.cache = cache
        self.identity = identity
        self._secret = os.urandom(_DIGEST_BYTES)

    def key(self, request: SynthesisRequest) -> Key | None:
        """Return the digest of everything that changes a sample; None when nothing can be kept for now."""
        identity = self.identity(request.voice) if self.cache.largest else None
        if identity is None:
            return None
        manner = (float(request.rate), float(request.pitch), float(request.volume), float(request.gain))
        asked = (request.text, request.language, request.voice, str(request.kind), *manner)
        known = repr((identity, asked, sorted(request.parameters.items())))
        return blake2b(known.encode(), digest_size=_DIGEST_BYTES, key=self._secret).digest()

    def recall(self, request: SynthesisRequest) -> Entry | None:
        """Return the sound of a request if it is there, which counts as a hit."""
        key = self.key(request)
        entry = None if key is None else self.cache.get(key)
        self.cache.figures.hits += entry is not None
        return entry

    def holds(self, request: SynthesisRequest) -> bool:
        """Tell whether the sound of a request is there."""
        key = self.key(request)
        return key is not None and key in self.cache


class Recording:
    """Listens to a request that is being made; `keep` puts it on the shelf."""

    def __init__(self, shelf: Shelf, request: SynthesisRequest) -> None:
        self._shelf = shelf
        self._request = request
        self._key = shelf.key(request)
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._fits = True
        self._words: list[Word] = []

    def hear(self, word: Word) -> None:
        """Take a word and pass it on."""
        self._words.append(word)
        self._request.tell_word(word)

    def add(self, pcm: bytes) -> None:
        """Take a chunk; of what is too long to be kept nothing is held."""
        self._bytes += len(pcm)
        self._fits = self._fits and self._bytes <= self._shelf.cache.largest
        if self._fits:
            self._chunks.append(pcm)
        else:
            self._chunks.clear()

    def keep(self) -> None:
        """Put the whole sound on the shelf, unless the engine or the voice became another one meanwhile."""
        if self._key is not None and self._fits and self._key == self._shelf.key(self._request):
            self._shelf.cache.put(self._key, Entry(b"".join(self._chunks), tuple(self._words)))


class Cached:
    """An engine with a shelf before it: what is not there is made and kept, once it is whole.

    Several who want the same at once are each given it by the engine: none waits for a slower one.
    """

    def __init__(self, inner: Synthesiser, shelf: Shelf) -> None:
        self._inner = inner
        self._shelf = shelf

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError. What is there is not announced as to follow."""
        entry = self._shelf.recall(request)
        if entry is not None:
            for pcm in replay(entry, request):
                yield pcm
            return
        self._shelf.cache.figures.misses += 1
        recording = Recording(self._shelf, request)
        new = tuple(item for item in request.following if not self._shelf.holds(item))
        given = replace(request, following=new, tell_word=recording.hear)
        stream = self._inner.synthesise(given, expected_seconds=expected_seconds, background=background)
        async with aclosing(stream) as chunks:
            async for pcm in chunks:
                recording.add(pcm)
                yield pcm
        recording.keep()


def replay(entry: Entry, request: SynthesisRequest) -> Iterator[bytes]:
    """Yield an entry in pieces, told as one, and tell each word before the piece that begins it."""
    request.tell_recalled()
    words = iter(entry.words)
    word = next(words, None)
    for start in range(0, len(entry.pcm), PIECE):
        end = start + PIECE
        while word is not None and (word.sample * SAMPLE_BYTES < end or end >= len(entry.pcm)):
            request.tell_word(word)
            word = next(words, None)
        yield entry.pcm[start:end]
