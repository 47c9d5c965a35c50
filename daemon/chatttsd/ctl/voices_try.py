"""`chatttsctl voices try`: hear a voice."""

import asyncio
import sys
from argparse import Namespace
from difflib import get_close_matches
from typing import Final

from chatttsd.ctl import guard, output, session, speak, text
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import choose
from chatttsd.ctl.voices import Voice, read
from chatttsd.platform.paths import voices_directory
from chatttsd.voices.codec import VoiceError
from chatttsd.voices.store import VoiceStore

_PREFIX: Final = "chattts/"
_LOOKS: Final = 10
_BETWEEN_LOOKS: Final = 0.2
"""Seconds; the daemon sees a new file within one."""
_ENGINES: Final = ("chattts", "espeak-ng")
_SAMPLES: Final = {
    "zh": "你好，这是我的声音。今天天气不错，我们出去走走吧。",
    "en": "Hello, this is my voice. The weather is fine today, let us go for a walk.",
}


def run(arguments: Namespace) -> int:
    """Speak a sentence with a voice and wait until it has been heard; exit codes like `speak --wait`."""
    words = text.gather(arguments.text, None) if arguments.text else ""
    target = choose(arguments.system)

    async def work() -> int:
        async with connect(target, arguments.timeout) as speech:
            await guard.require(speech, target, start=True)
            voice = await _voice(speech, arguments.name)
            indicator = output.Indicator(sys.stderr)
            indicator.show("speaking")
            try:
                number = await speak.queue(speech, words or sample(voice), options(voice))
                outcome = await speak.wait(speech, number, arguments.timeout)
            finally:
                indicator.clear()
            return await speak.report(speech, number, outcome, arguments.json)

    return session.run(work)


async def _voice(speech: Speech, name: str) -> Voice:
    """Return the voice as the daemon knows it, which takes a moment when its file was made just now."""
    for _ in range(_LOOKS):
        voices = read(await speech.property("Voices", start=True))
        if {name, _PREFIX + name} & {voice.id for voice in voices} or not _stored(name):
            break
        await asyncio.sleep(_BETWEEN_LOOKS)
    return chosen(voices, name)


def _stored(name: str) -> bool:
    try:
        return bool(VoiceStore(voices_directory()).paths(name.removeprefix(_PREFIX)))
    except VoiceError:
        return False


def chosen(voices: list[Voice], name: str) -> Voice:
    """Return the voice of an id, which may lack `chattts/`; raises CommandError naming the nearest."""
    by_id = {voice.id: voice for voice in voices}
    found = by_id.get(name) or by_id.get(_PREFIX + name)
    if found is None:
        near = get_close_matches(name, by_id, 1)
        hint = f"did you mean {output.clean(near[0])}?" if near else "chatttsctl voices lists them"
        raise CommandError(f"the daemon has no voice {output.clean(name)}; {hint}", Exit.FAILURE)
    return found


def sample(voice: Voice) -> str:
    """Return a sentence in each language of the voice that there is one for."""
    spoken = [sentence for language, sentence in _SAMPLES.items() if voice.speaks(language)]
    return " ".join(spoken or [_SAMPLES["en"]])


def options(voice: Voice) -> dict[str, str]:
    """Return the options that make exactly this voice speak, and stop when this process ends."""
    # The engine is named so that no other one steps in for it.
    engine = {"engine": voice.engine} if voice.engine in _ENGINES else {}
    return {"voice": voice.id, "bind_to_client": "true", **engine}
