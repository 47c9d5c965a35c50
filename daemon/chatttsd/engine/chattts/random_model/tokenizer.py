"""The three files of a random model's tokenizer."""

from typing import Any, Final

from chatttsd.engine.chattts.random_model.vocabulary import SIZE, SPECIAL, UNKNOWN, pieces

FOLDER: Final = "asset/tokenizer"
_ROLES: Final = {
    "unk_token": UNKNOWN,
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_LONGEST_WORD: Final = 100


def files() -> dict[str, Any]:
    """Return the JSON values of the tokenizer's files by their names in the model."""
    return {
        f"{FOLDER}/special_tokens_map.json": _special_tokens_map(),
        f"{FOLDER}/tokenizer_config.json": _tokenizer_config(),
        f"{FOLDER}/tokenizer.json": _tokenizer(),
    }


def _added() -> dict[int, str]:
    vocabulary = {piece: number for number, piece in enumerate(pieces())}
    added = {vocabulary[role]: role for role in _ROLES.values()}
    added |= {SIZE + place: token for place, token in enumerate(SPECIAL)}
    return dict(sorted(added.items()))


def _flags(token: str) -> dict[str, Any]:
    common = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"content": token, **common, "special": True}


def _special_tokens_map() -> dict[str, Any]:
    return {"additional_special_tokens": list(SPECIAL), **_ROLES}


def _tokenizer_config() -> dict[str, Any]:
    return {
        "added_tokens_decoder": {str(number): _flags(token) for number, token in _added().items()},
        "additional_special_tokens": list(SPECIAL),
        "clean_up_tokenization_spaces": True,
        **_ROLES,
        "do_lower_case": True,
        "model_max_length": 1_000_000_000,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
    }


def _tokenizer() -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": number, **_flags(token)} for number, token in _added().items()],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _post_processor(),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": UNKNOWN,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": _LONGEST_WORD,
            "vocab": {piece: number for number, piece in enumerate(pieces())},
        },
    }


def _post_processor() -> dict[str, Any]:
    vocabulary = pieces()
    ends = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    second = [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
    single = [ends[0], {"Sequence": {"id": "A", "type_id": 0}}, ends[1]]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, *second],
        "special_tokens": {
            name: {"id": name, "ids": [vocabulary.index(name)], "tokens": [name]}
            for name in ("[CLS]", "[SEP]")
        },
    }
