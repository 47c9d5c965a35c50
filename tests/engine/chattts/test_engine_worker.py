"""The engine in its real worker process, with a generated model of two layers."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import (
    EngineDiedError,
    EngineError,
    EngineFaultError,
    ModelSettings,
    SynthesisRequest,
    WorkerSettings,
)
from chatttsd.engine.client import EngineClient, WorkerState, worker_command
from chatttsd.voices.files import StoredVoice, write
from chatttsd.voices.store import VoiceStore
from support.engine_clients import LIMIT_SECONDS, States, make_client, pid_of, say
from support.random_model import RandomModel, changed_copy, rehash

PATIENT = WorkerSettings(hang_seconds=60.0, start_seconds=200.0, backoff_first_seconds=0.01)
"""The first worker of a run compiles the kernels."""
WHILE = pytest.mark.timeout(280)
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
TEXTS = (
    "今天的天气比昨天好多了。",
    "明天早上我们坐火车去上海。",
    "他在桌子上放了一本旧书。",
    "请把窗户关上。",
)


def settings_of(model: Path, voices: Path, **settings: object) -> str:
    chosen = asdict(ModelSettings(model_dir=str(model), threads=1)) | settings
    return json.dumps({"model": chosen, "voices_directory": str(voices)})


@asynccontextmanager
async def worker(
    model: Path, voices: Path, kernels: Mapping[str, str], **settings: object
) -> AsyncIterator[tuple[EngineClient, States]]:
    states = States()
    command = worker_command("chattts", settings_of(model, voices, **settings))
    client = make_client(command, states, PATIENT, ENVIRONMENT | dict(kernels))
    try:
        await client.start()
        yield client, states
    finally:
        await client.stop()


def ask(text: str, *following: str, **options: object) -> SynthesisRequest:
    common = {"language": "zh"} | options
    then = tuple(SynthesisRequest(item, **common) for item in following)  # type: ignore[arg-type] # they differ
    return SynthesisRequest(text, following=then, **common)  # type: ignore[arg-type] # in type


async def sound_of(client: EngineClient, request: SynthesisRequest) -> bytes:
    async with asyncio.timeout(LIMIT_SECONDS):
        return b"".join([chunk async for chunk in client.synthesise(request)])


async def broken_off(client: EngineClient, request: SynthesisRequest) -> bytes:
    """Return what is heard of a segment that never ends by itself."""
    heard = bytearray()

    async def listen() -> None:
        async for chunk in client.synthesise(request):
            heard.extend(chunk)

    with pytest.raises(EngineError, match="too long for its text; a part of the segment was spoken"):
        await listen()
    return bytes(heard)


def seconds(pcm: bytes) -> float:
    return len(pcm) / SAMPLE_BYTES / SAMPLE_RATE


@WHILE
async def test_a_worker_loads_warms_speaks_and_dies_without_losing_a_sample(
    random_model: RandomModel, tmp_path: Path, kernels: Mapping[str, str]
) -> None:
    async with worker(random_model(), tmp_path, kernels) as (client, states):
        told = [text for state, text in states.told if state is WorkerState.STARTING]
        assert [text for text in told if text.startswith("loading")][-1] == "loading 100 %"
        assert told[-1] == "warming"
        assert "cpu" in client.detail
        assert "chattts/alder" in {voice.id for voice in client.voices}

        alone = [await sound_of(client, ask(text)) for text in TEXTS]
        assert all(1 < seconds(pcm) < 8 for pcm in alone)
        assert np.abs(np.frombuffer(alone[0], np.int16)).max() > 300
        assert await sound_of(client, ask(TEXTS[0])) == alone[0]
        assert await sound_of(client, ask(TEXTS[0], parameters={"seed": "9"})) != alone[0]

        together = [await sound_of(client, ask(text, *TEXTS[at + 1 :])) for at, text in enumerate(TEXTS)]
        assert together == alone

        fast = await sound_of(client, ask(TEXTS[0], *TEXTS[1:], rate=3.0))
        assert seconds(fast) == pytest.approx(seconds(alone[0]) / 3, rel=0.03)
        high = await sound_of(client, ask(TEXTS[1], pitch=1.5))
        assert seconds(high) == pytest.approx(seconds(alone[1]), rel=0.03)

        stream = client.synthesise(ask(TEXTS[1]))
        first = await anext(stream)
        os.kill(pid_of(client), signal.SIGKILL)
        with pytest.raises(EngineDiedError):
            [chunk async for chunk in stream]
        await states.wait_for(WorkerState.READY, 2)
        again = await sound_of(client, ask(TEXTS[1]))
        assert again == alone[1]
        assert again.startswith(first)


@WHILE
async def test_a_request_that_is_left_does_not_disturb_the_next(
    random_model: RandomModel, tmp_path: Path, kernels: Mapping[str, str]
) -> None:
    speaker = VoiceStore(tmp_path).built_in()[1].speaker
    write(tmp_path / "mine.txt", StoredVoice("mine", "Mine", speaker=speaker))
    async with worker(random_model(end="never"), tmp_path, kernels, retries=0) as (client, _states):
        expected = await broken_off(client, ask(TEXTS[3]))
        for pieces in (0, 1, 5):
            stream = client.synthesise(ask(TEXTS[0], *TEXTS[1:]))
            if pieces:
                for _ in range(pieces):
                    await anext(stream)
            await stream.aclose()
        heard = await broken_off(client, ask(TEXTS[3]))
        assert heard == expected
        assert 2 < seconds(heard) < 10

        with pytest.raises(EngineError, match="the voice chattts/nobody is not there"):
            await say(client, TEXTS[0], language="zh", voice="chattts/nobody")
        stream = client.synthesise(ask(TEXTS[3], voice="chattts/mine"))
        assert await anext(stream)
        await stream.aclose()
        (tmp_path / "mine.txt").unlink()
        with pytest.raises(EngineError, match="the voice chattts/mine is not there"):
            await say(client, TEXTS[0], language="zh", voice="chattts/mine")


@WHILE
async def test_a_model_of_nan_fails_every_segment_unheard_and_lives_on(
    random_model: RandomModel, tmp_path: Path, kernels: Mapping[str, str]
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    break_final_norm(model)
    async with worker(model, tmp_path, kernels) as (client, _states):
        for text in TEXTS[:2]:
            with pytest.raises(EngineError, match="not a number, in 3 attempts"):
                await sound_of(client, ask(text))


def break_final_norm(model: Path) -> None:
    """Put NaN into the GPT's last norm; the manifest has the hash of that."""
    import safetensors.torch
    import torch

    path = model / "asset/gpt/model.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["norm.weight"] = torch.full_like(tensors["norm.weight"], torch.nan)
    path.unlink()
    safetensors.torch.save_file(tensors, path)
    rehash(model, "asset/gpt/model.safetensors")


@WHILE
@pytest.mark.parametrize("damage", ["truncated", "changed"])
async def test_a_damaged_model_is_named_and_not_tried_again(
    random_model: RandomModel, tmp_path: Path, kernels: Mapping[str, str], damage: str
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    spoil(model / "asset/Vocos.safetensors", damage)
    told = {"truncated": "cut short", "changed": "damaged"}[damage]
    with pytest.raises(EngineFaultError, match=rf"the model's file asset/Vocos.safetensors is {told} \("):
        async with worker(model, tmp_path, kernels):
            pass


def spoil(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "truncated":
        path.write_bytes(content[:-10_000])
    elif damage == "changed":
        content[-5] ^= 1
        path.write_bytes(content)
