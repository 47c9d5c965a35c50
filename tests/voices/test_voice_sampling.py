"""Sampled voices: upstream's statistics and distribution, and the same built-in voices on every machine."""

import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from chatttsd.voices import codec, sampling
from chatttsd.voices.store import VoiceStore
from support.upstream_speaker import speaker_class, statistics_string

SCRIPT = Path(__file__).parents[2] / "models" / "make_voices.py"
DRAWS = 400


def test_the_statistics_are_upstreams() -> None:
    assert statistics_string() == sampling._STATISTICS
    upstream = speaker_class()(768, statistics_string())
    deviations, means = sampling.statistics()
    assert deviations == tuple(upstream.std.tolist())
    assert means == tuple(upstream.mean.tolist())


def test_samples_are_distributed_as_upstreams_are() -> None:
    upstream = speaker_class()(768, statistics_string())
    torch.manual_seed(1)
    theirs = np.stack([upstream._sample_random().float().numpy() for _ in range(DRAWS)])
    ours = np.array([codec.speaker_values(sampling.sample(seed)) for seed in range(DRAWS)])
    deviation, mean = (np.array(values) for values in sampling.statistics())
    for drawn in (theirs, ours):
        standard = (drawn - mean) / deviation
        # Standard errors over all 307 200 values: 0.0018 of the mean, 0.0013 of the deviation.
        assert abs(standard.mean()) < 0.01
        assert abs(standard.std() - 1) < 0.01
        # And value by value, over the draws: 0.05 and 0.035; the largest of 768 is within 5 of them.
        assert np.abs(standard.mean(axis=0)).max() < 0.25
        assert np.abs(standard.std(axis=0) - 1).max() < 0.18
        # Normal, not merely of that width: 68.3 % and 95.4 % within one and two deviations.
        assert abs((np.abs(standard) < 1).mean() - 0.683) < 0.005
        assert abs((np.abs(standard) < 2).mean() - 0.954) < 0.003


def test_neighbouring_values_are_drawn_independently() -> None:
    deviation, mean = (np.array(values) for values in sampling.statistics())
    ours = np.array([codec.speaker_values(sampling.sample(seed)) for seed in range(DRAWS)])
    standard = (ours - mean) / deviation
    assert abs((standard[:, 1:] * standard[:, :-1]).mean()) < 0.01
    assert abs((standard[1:] * standard[:-1]).mean()) < 0.01


def test_a_seed_is_always_the_same_voice_and_no_other_one() -> None:
    assert sampling.sample(5) == sampling.sample(5)
    assert len({sampling.sample(seed) for seed in (0, 1, 2, sampling.MAX_SEED)}) == 4
    # Numbers of this one voice, should the stream of random numbers ever change.
    first = codec.speaker_values(sampling.sample(1))[:3]
    assert [round(value, 3) for value in first] == [5.91, 6.027, -0.617]


def test_the_built_in_voices_are_those_of_the_documented_seeds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("the same") == 5


def test_the_built_in_voices_differ_from_each_other() -> None:
    speakers = [
        np.array(codec.speaker_values(voice.speaker or b"")) for voice in VoiceStore(SCRIPT).built_in()
    ]
    unit = [speaker / np.linalg.norm(speaker) for speaker in speakers]
    cosines = [float(unit[i] @ unit[j]) for i in range(5) for j in range(i)]
    assert len(cosines) == 10
    assert max(cosines) < 0.95
    assert statistics.mean(cosines) < 0.9
