"""A random model has the right files and ids, is the same for the same seed, and its sizes are as told."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from chatttsd.engine.chattts.random_model import lengths
from chatttsd.engine.chattts.random_model.vocabulary import SIZE, SPECIAL, pieces, seconds
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.models.check import check_model
from chatttsd.models.header import layers
from chatttsd.models.layout import DECODER, EMBED, GPT, HIDDEN, VOCOS, expected
from chatttsd.speech.expected import expected_seconds
from support.random_model import RandomModel

ROOT = Path(__file__).parents[3]
DOCUMENTED = {
    "[Stts]": 21131,
    "[Ptts]": 21132,
    "[Sbreak]": 21134,
    "[Pbreak]": 21135,
    "[Ebreak]": 21136,
    "[uv_break]": 21137,
    "[v_break]": 21138,
    "[lbreak]": 21139,
    "[llbreak]": 21140,
    "[laugh]": 21142,
    "[spk_emb]": 21143,
    "[empty_spk]": 21144,
    "[break_0]": 21147,
    "[break_7]": 21154,
    "[laugh_0]": 21155,
    "[laugh_2]": 21157,
    "[oral_0]": 21158,
    "[oral_9]": 21167,
    "[speed_0]": 21168,
    "[speed_9]": 21177,
}


@pytest.fixture(scope="module")
def tokenizer(random_model: RandomModel) -> Tokenizer:
    return Tokenizer.from_file(str(random_model() / "asset" / "tokenizer" / "tokenizer.json"))


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    return list(tokenizer.encode(text, add_special_tokens=False).tokens)


def test_the_files_are_whole_and_of_the_layout(random_model: RandomModel) -> None:
    folder = random_model()
    assert check_model(folder, full=True).name == "random"
    assert layers(folder) == 2
    assert "not a voice" in (folder / "NOTICE").read_text()


def test_the_files_are_exactly_the_nine_of_the_real_model(random_model: RandomModel) -> None:
    folder = random_model()
    packaged = tomllib.loads((ROOT / "models" / "manifest.toml").read_text())
    there = {str(path.relative_to(folder)) for path in (folder / "asset").rglob("*") if path.is_file()}
    assert there == {entry["path"] for entry in packaged["files"]}


def test_special_tokens_have_the_documented_ids(tokenizer: Tokenizer) -> None:
    assert {name: tokenizer.token_to_id(name) for name in DOCUMENTED} == DOCUMENTED
    assert tokenizer.get_vocab_size() == SIZE + len(SPECIAL) == 21178


def test_word_pieces_are_distinct_and_fill_the_vocabulary() -> None:
    assert len(set(pieces())) == len(pieces()) == SIZE


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("今天天气", ["今", "天", "天", "气"]),
        ("說話", ["說", "話"]),
        ("[Stts][spk_emb]好[Ptts]", ["[Stts]", "[spk_emb]", "好", "[Ptts]"]),
        ("The World", ["the", "world"]),
        ("[speed_5]2024年", ["[speed_5]", "2", "##0", "##2", "##4", "年"]),
        ("x,y。", ["x", ",", "y", "。"]),
    ],
)
def test_text_is_cut_as_bert_does(said: str, found: list[str], tokenizer: Tokenizer) -> None:
    assert words(tokenizer, said) == found


@pytest.mark.parametrize("name", ["udhr-zh.txt", "udhr-en.txt"])
def test_nearly_every_character_of_a_real_text_is_known(name: str, tokenizer: Tokenizer) -> None:
    told = words(tokenizer, (ROOT / "tests" / "data" / "texts" / name).read_text())
    assert told.count("[UNK]") < 0.005 * len(told)


@pytest.mark.parametrize(
    "said",
    [
        "人人生而自由，在尊严和权利上一律平等。",
        "All human beings are born free and equal.",
        "3 加 5 等于 8。",
    ],
)
def test_pieces_sound_as_long_as_their_text(said: str, tokenizer: Tokenizer) -> None:
    assert sum(map(seconds, words(tokenizer, said))) == pytest.approx(expected_seconds(said), rel=0.2)


def test_punctuation_and_special_tokens_are_silent() -> None:
    assert [seconds(piece) for piece in ("，", "。", ".", "[CLS]", "[PAD]", "[unused1]")] == [0.0] * 6


def test_equal_seeds_give_equal_tensors_and_others_do_not() -> None:
    name, shape = "layers.0.mlp.up_proj.weight", (3072, 768)
    first = Recipe(layers=1, seed=3).tensor(GPT, name, shape)
    assert np.array_equal(first, Recipe(layers=20, seed=3).tensor(GPT, name, shape))
    assert not np.array_equal(first, Recipe(layers=1, seed=4).tensor(GPT, name, shape))


def test_the_command_writes_the_same_files_again(random_model: RandomModel, tmp_path: Path) -> None:
    script = [sys.executable, "-W", "error", str(ROOT / "models" / "make_random_model.py")]
    subprocess.run([*script, str(tmp_path), "--layers", "2", "--seed", "0"], check=True, capture_output=True)
    made, kept = tmp_path / "manifest.toml", random_model() / "manifest.toml"
    assert made.read_bytes() == kept.read_bytes()
    listed = {entry["path"]: entry for entry in tomllib.loads(made.read_text())["files"]}
    small = (tmp_path / "asset/tokenizer/tokenizer.json").read_bytes()
    assert listed["asset/tokenizer/tokenizer.json"]["sha256"] == hashlib.sha256(small).hexdigest()
    for path in (tmp_path / "asset").rglob("*.safetensors"):
        path.unlink()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--layers", "0"], "layers from 1"),
        (["--rate", "0"], "rate above 0"),
        (["--seed", "-1"], "seed from 0"),
        (["--end", "soon"], "invalid choice: 'soon'"),
    ],
)
def test_the_command_refuses_what_makes_no_model(arguments: list[str], told: str, tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "models" / "make_random_model.py"), str(tmp_path / "model")]
    done = subprocess.run([*script, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "model").exists()


def test_the_command_names_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    script = [sys.executable, str(ROOT / "models" / "make_random_model.py"), str(tmp_path / "file")]
    done = subprocess.run(script, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("Not a directory\n")


def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(ValueError, match="end: got 'soon', allowed: plausible, early, never"):
        Recipe(end="soon")


def test_random_layers_leave_the_reserved_values_alone() -> None:
    recipe = Recipe(layers=2)
    for name, shape in expected(2)[GPT].items():
        tensor = recipe.tensor(GPT, name, shape)
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            written = tensor[lengths.RESERVED]
            assert np.count_nonzero(written) == (name == "layers.0.self_attn.o_proj.weight"), name
        elif tensor.ndim == 1:
            assert np.all(tensor[lengths.RESERVED] == 1.0)
        else:
            assert np.count_nonzero(tensor[:, lengths.RESERVED]) == (
                name == "layers.0.self_attn.v_proj.weight"
            )


def test_every_text_token_has_the_same_length_in_the_residual() -> None:
    rows = Recipe().tensor(EMBED, "emb_text.weight", (21178, HIDDEN))
    assert np.allclose(np.square(rows).mean(axis=1), 1.0, atol=1e-4)
    assert rows[:, lengths.SPOKEN].min() == lengths.UNIT
    assert np.isfinite(rows).all()


def test_every_tensor_is_finite_and_none_is_constant_but_the_end_rows() -> None:
    recipe = Recipe(layers=1)
    for file in (DECODER, VOCOS):
        for name, shape in expected(1)[file].items():
            tensor = recipe.tensor(file, name, shape)
            assert tensor.shape == shape
            assert tensor.dtype == np.float32
            assert np.isfinite(tensor).all()
            assert tensor.std() > 0, name
