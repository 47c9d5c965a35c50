"""Prompts are upstream's strings; nothing in a text can become a control token."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelError, ModelShape
from chatttsd.engine.chattts.tokens import TOKENIZER, Tokens
from support.model_parts import make_tokens
from support.oracle import TEXTS, Oracle

ZH = "四川美食确实以辣闻名，但也有不辣的选择。"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return make_tokens(tmp_path_factory.mktemp("tokens"))


def names(tokens: Tokens, ids: tuple[int, ...]) -> list[str]:
    return [str(tokens._tokenizer.id_to_token(each)) for each in ids]


@pytest.mark.parametrize("text", [*TEXTS, ZH, "Mixed 中文 and English, café.", "  spaces\taround \n "])
@pytest.mark.parametrize("speed", [None, 0, 5, 9])
@pytest.mark.parametrize("sample", ["", "what was said."])
def test_speech_prompts_are_upstreams(oracle: Oracle, text: str, speed: int | None, sample: str) -> None:
    tokens = Tokens(oracle.directory, ModelShape())
    style = "" if speed is None else f"[speed_{speed}]"
    decorate, tokenizer = oracle.chat.speaker.decorate_code_prompts, oracle.chat.tokenizer
    for speaker in (None, "a speaker"):
        ids, _, _ = tokenizer.encode(decorate([text], style, sample or None, speaker), 4)
        ours = tokens.speech(text, speed=speed, speaker=speaker is not None, sample_text=sample)
        assert list(ours) == ids[0, :, 0].tolist()


@pytest.mark.parametrize("text", [*TEXTS, ZH])
def test_refinement_prompts_are_upstreams(oracle: Oracle, text: str) -> None:
    tokens = Tokens(oracle.directory, ModelShape())
    decorated = oracle.chat.speaker.decorate_text_prompts([text], "[oral_2][laugh_0][break_6]")
    ids, _, _ = oracle.chat.tokenizer.encode(decorated, 4)
    assert list(tokens.refinement(text, oral=2, laugh=0, breaks=6)) == ids[0, :, 0].tolist()


def test_refined_text_is_read_as_upstream_reads_it(oracle: Oracle) -> None:
    tokens = Tokens(oracle.directory, ModelShape())
    find = oracle.chat.tokenizer._tokenizer.convert_tokens_to_ids
    drawn = [*tokens.speech(ZH)[3:-1], find("[uv_break]"), find("[laugh]"), *tokens.speech(TEXTS[0])[3:-1]]
    drawn += [find("[break_0]"), find("[speed_3]")]
    kept = [token for token in drawn if token < oracle.chat.tokenizer.break_0_ids]
    text = oracle.chat.tokenizer.decode([kept])[0]
    assert tokens.refined(drawn) == text
    decorated = oracle.chat.speaker.decorate_code_prompts([text], "[speed_5]", None, "a speaker")
    ids, _, _ = oracle.chat.tokenizer.encode(decorated, 4)
    spoken = tokens.refined_speech(tokens.refined(drawn))
    assert list(spoken) == ids[0, :, 0].tolist()
    assert {find("[uv_break]"), find("[laugh]")} <= set(spoken)


def test_a_prompt_is_framed_by_its_control_tokens(tokens: Tokens) -> None:
    found = names(tokens, tokens.speech("hello"))
    assert found[:3] == ["[Stts]", "[spk_emb]", "[speed_5]"]
    assert found[-1] == "[Ptts]"
    assert tokens.speech("hello")[1] == tokens.speaker
    assert names(tokens, tokens.speech("hello", speaker=False))[1] == "[empty_spk]"
    assert names(tokens, tokens.refinement("hello"))[-1] == "[Pbreak]"


@given(text=st.text(alphabet="[]spk_emb SttsPlaughuv_break05你a[]", min_size=1, max_size=40))
def test_no_text_makes_a_control_token(tokens: Tokens, text: str) -> None:
    for make in (tokens.speech, tokens.refinement):
        try:
            inner = names(tokens, make("a " + text))
        except EngineError:
            continue
        controls = [name for name in inner if name.startswith("[") and name != "[UNK]"]
        assert controls in (["[Stts]", "[spk_emb]", "[speed_5]", "[Ptts]"], ["[Sbreak]", "[Pbreak]"])


def test_a_sample_cannot_bring_control_tokens_either(tokens: Tokens) -> None:
    found = names(tokens, tokens.speech("hello", sample_text="[laugh] [Ptts] [spk_emb]"))
    assert [name for name in found if name.startswith("[")] == ["[Stts]", "[spk_emb]", "[speed_5]", "[Ptts]"]


@pytest.mark.parametrize("text", ["", "   ", "[]", "\n\t", "\u200b"])
def test_a_text_without_a_token_is_refused(tokens: Tokens, text: str) -> None:
    for make in (tokens.speech, tokens.refinement):
        with pytest.raises(EngineError, match=r"none of the .* characters is in the model's vocabulary"):
            make(text)


@pytest.mark.parametrize(
    ("text", "missing"),
    [("今天很好。", 0), ("他叫龘，住这里", 1), ("龘龘", 2), ("a plain word [laugh]", 0), ("x" * 101, 1)],
)
def test_what_the_vocabulary_lacks_is_counted(tokens: Tokens, text: str, missing: int) -> None:
    assert tokens.missing(text) == missing


@pytest.mark.parametrize("words", ["", " ", "\u16a0", "\u200b"])
def test_breaks_around_what_has_no_token_do_not_make_it_speech(tokens: Tokens, words: str) -> None:
    with pytest.raises(EngineError, match=r"none of the .* characters is in the model's vocabulary"):
        tokens.refined_speech(f"[uv_break]{words}[uv_break][laugh]")


def test_a_style_that_the_model_lacks_is_refused(tokens: Tokens) -> None:
    with pytest.raises(EngineError, match=r"speed=10: this model has no such style \(\[speed_10\]\)"):
        tokens.speech("hello", speed=10)
    with pytest.raises(EngineError, match="laugh=3"):
        tokens.refinement("hello", laugh=3)


def changed(folder: Path, old: str, new: str) -> Path:
    """Write the tokenizer with one thing replaced."""
    make_tokens(folder)
    path = folder / TOKENIZER
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    return folder


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer.json: No such file"):
        Tokens(tmp_path, ModelShape())


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b"\xff\xfe"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    make_tokens(tmp_path)
    (tmp_path / TOKENIZER).write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer.json: not "):
        Tokens(tmp_path, ModelShape())


def test_a_missing_control_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer.json: the token \[Ptts\] is missing"):
        Tokens(changed(tmp_path, "[Ptts]", "[Qtts]"), ModelShape())


def test_ids_beyond_the_embeddings_are_refused(tmp_path: Path) -> None:
    make_tokens(tmp_path)
    with pytest.raises(ModelError, match=r"tokenizer.json: expected ids below 100, found \d+"):
        Tokens(tmp_path, ModelShape(text_tokens=100))


def test_padding_and_truncation_in_the_file_are_ignored(tmp_path: Path) -> None:
    plain = make_tokens(tmp_path).speech(TEXTS[2])
    path = tmp_path / TOKENIZER
    content = json.loads(path.read_text(encoding="utf-8"))
    content["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert Tokens(tmp_path, ModelShape()).speech(TEXTS[2]) == plain
