"""How loud a voice is reaches the requests of ChatTTS, and no others, over scripted workers."""

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest

from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.cache import CacheSettings
from chatttsd.engine.voice_levels import ENOUGH_TENTHS
from chatttsd.speech.options import SpeakOptions
from support.directory_stage import Stage, empty_home, stage
from support.residence import WORKER, spoken
from support.scripted_worker import MODEL_TENTHS, Script

VOICES = "data/chatttsd/voices"
BUILT_IN = Path(__file__).parents[2] / "daemon/chatttsd/voices/builtin"
SOFT = Script(lufs=-26.0)
GAIN = 6.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_home(tmp_path, monkeypatch)


async def learn(made: Stage, voice: str = "", engine: str = "auto") -> None:
    """Have just as much said as makes the loudness of a voice known."""
    for number in range(math.ceil(ENOUGH_TENTHS / MODEL_TENTHS)):
        assert gain_of(made, voice) == 0.0
        await spoken(made.directory.synthesiser(engine), f"sentence {number}", voice=voice)
    assert gain_of(made, voice) == GAIN


def gain_of(made: Stage, voice: str = "") -> float:
    """Return the gain that a request gets now."""
    return made.directory._levels.levelled(SynthesisRequest("x", voice=voice)).gain


@pytest.mark.parametrize("engine", ["auto", "chattts"])
async def test_what_the_worker_tells_goes_with_the_next_request_to_it(home: Path, engine: str) -> None:
    async with stage(home, script=SOFT) as made:
        await made.ready()
        await learn(made, engine=engine)
        before = len(made.folder.gains)
        following = (SynthesisRequest("next"),)
        await spoken(made.directory.synthesiser(engine), "now", following=following)
        assert made.folder.gains[before:] == [[GAIN, GAIN]]
        assert set(map(tuple, made.folder.gains[:before])) == {(0.0,)}


async def test_a_sentence_is_made_again_once_its_gain_is_known_and_then_kept(home: Path) -> None:
    async with stage(home, script=SOFT) as made:
        await made.ready()
        await learn(made)
        count = len(made.folder.asked)
        for _ in range(3):
            assert await spoken(made.directory.synthesiser("auto"), "sentence 0") == ["§sentence 0"]
        assert len(made.folder.asked) == count + 1


async def test_espeak_ng_keeps_what_it_said_whatever_is_learnt(home: Path) -> None:
    async with stage(home, script=SOFT) as made:
        await made.ready()
        for speaker in (made.directory.synthesiser("espeak-ng"), made.directory.synthesiser("auto")):
            await spoken(speaker, "bonjour", language="fr")
        await learn(made)
        misses = made.figures.misses
        for speaker in (made.directory.synthesiser("espeak-ng"), made.directory.synthesiser("auto")):
            assert await spoken(speaker, "bonjour", language="fr") == ["bonjour"]
        assert made.figures.misses == misses


async def test_another_voice_file_or_model_is_unknown(home: Path) -> None:
    mine = home / VOICES / "mine.txt"
    mine.write_text((BUILT_IN / "alder.txt").read_text())
    async with stage(home, script=SOFT) as made:
        await made.ready()
        await learn(made, "chattts/mine")
        mine.with_suffix(".new").write_text((BUILT_IN / "alder.txt").read_text())
        mine.with_suffix(".new").rename(mine)
        await learn(made, "chattts/mine")
        model = made.directory.model
        assert model is not None
        made.directory.configure(WORKER, replace(model.settings, precision="bf16"), CacheSettings(echo=False))
        await made.until(lambda: made.folder.starts == 2)
        await made.ready()
        assert gain_of(made, "chattts/mine") == 0.0


async def test_what_is_prepared_for_key_echo_is_learnt_from(home: Path) -> None:
    async with stage(home, script=SOFT) as made:
        await made.ready()
        echo = made.directory._echo
        assert echo is not None
        echo._quiet_seconds = 0.0
        made.directory.prepare_echo(SpeakOptions(), "en")
        while gain_of(made) != GAIN:  # noqa: ASYNC110 - many small requests are waited for
            await asyncio.sleep(0.01)
        assert set(map(tuple, made.folder.gains)) == {(0.0,)}, "what answers a key stroke needs none"
