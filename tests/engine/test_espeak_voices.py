from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError
from chatttsd.engine.espeak_library import EspeakLibrary, VoiceEntry
from chatttsd.engine.espeak_voices import VoiceTable, bcp47, is_chinese


@pytest.fixture(scope="module")
def library() -> Iterator[EspeakLibrary]:
    with closing(EspeakLibrary()) as library:
        yield library


@pytest.fixture(scope="module")
def table(library: EspeakLibrary) -> VoiceTable:
    return VoiceTable(library.voices())


def test_about_a_hundred_voices_are_offered_under_unique_ids(table: VoiceTable) -> None:
    ids = [voice.id for voice in table.voices()]
    assert len(ids) == len(set(ids)) > 100
    assert {"espeak-ng/cmn", "espeak-ng/yue", "espeak-ng/en-us", "espeak-ng/en-gb", "espeak-ng/de"} <= set(
        ids
    )
    assert all(voice.engine == "espeak-ng" and voice.name and voice.languages for voice in table.voices())


def test_every_offered_voice_really_speaks(library: EspeakLibrary, table: VoiceTable) -> None:
    for voice in table.voices():
        heard: list[NDArray[np.int16]] = []

        def sink(samples: NDArray[np.int16], heard: list[NDArray[np.int16]] = heard) -> bool:
            heard.append(samples)
            return True

        library.set_voice(table.by_id(voice.id).identifier)
        library.speak("taxi 12", sink)
        sound = np.concatenate(heard)
        assert sound.size > 0.3 * library.sample_rate, voice.id
        assert np.abs(sound.astype(int)).max() > 1000, voice.id


@pytest.mark.parametrize(
    ("tag", "voice"),
    [
        ("zh", "cmn"), ("zh-CN", "cmn"), ("zh-Hans", "cmn"), ("zh-Hans-CN", "cmn"), ("zh-TW", "cmn"),
        ("cmn", "cmn"),
        ("zh-HK", "yue"), ("zh-Hant-HK", "yue"), ("yue", "yue"), ("yue-Hant", "yue"), ("hak", "hak"),
        ("en", "en-us"), ("en-US", "en-us"), ("EN_us", "en-us"), ("en-GB", "en-gb"), ("en-AU", "en-us"),
        ("en-GB-scotland", "en-gb-scotland"), ("de", "de"), ("de-AT", "de"), ("fr", "fr-fr"),
        ("fr-CA", "fr-fr"),
        ("fr-BE", "fr-be"), ("pt", "pt"), ("pt-BR", "pt-br"), ("es", "es"), ("es-MX", "es-419"), ("no", "nb"),
        ("nb-NO", "nb"), ("nn", "nb"), ("ja", "ja"), ("ko", "ko"), ("ru", "ru"), ("vi", "vi"),
        ("zh-Latn-pinyin", "cmn-latn-pinyin"),
    ],
)  # fmt: skip
def test_a_language_finds_its_voice_by_the_longest_prefix(table: VoiceTable, tag: str, voice: str) -> None:
    assert table.by_language(tag).voice.id == f"espeak-ng/{voice}"


@pytest.mark.parametrize("tag", ["tlh", "xx-YY", "", "-", "e", "english"])
def test_a_language_without_a_voice_is_named(table: VoiceTable, tag: str) -> None:
    with pytest.raises(EngineError, match=f"language '{tag}' has no voice in espeak-ng, allowed are tags"):
        table.by_language(tag)


def test_an_unknown_voice_is_named(table: VoiceTable) -> None:
    with pytest.raises(EngineError, match="voice 'cmn' is unknown, allowed are ids such as 'espeak-ng/cmn'"):
        table.by_id("cmn")


def test_the_languages_are_written_the_usual_way(table: VoiceTable) -> None:
    assert table.by_id("espeak-ng/cmn").voice.languages == ("zh", "zh-CN", "cmn")
    assert table.by_id("espeak-ng/yue").voice.languages == ("yue", "zh-HK")
    assert table.by_id("espeak-ng/en-gb").voice.languages == ("en-GB", "en")
    assert [bcp47(tag) for tag in ("en-us", "cmn-latn-pinyin", "es-419", "de")] == [
        "en-US", "cmn-Latn-pinyin", "es-419", "de",
    ]  # fmt: skip


def test_chinese_languages_are_told_from_others() -> None:
    assert all(is_chinese(tag) for tag in ("zh", "zh-CN", "cmn", "yue-HK", "ZH"))
    assert not any(is_chinese(tag) for tag in ("en", "ja", "zhuang", ""))


def test_two_voices_of_one_tag_get_different_ids() -> None:
    entries = [VoiceEntry("a/xx", "One", ((5, "xx"),)), VoiceEntry("a/xx-Two", "Two", ((5, "xx"),))]
    table = VoiceTable(entries)
    assert [voice.id for voice in table.voices()] == ["espeak-ng/xx", "espeak-ng/xx-two"]
    assert table.by_language("xx").voice.name == "One"


def test_the_better_priority_wins_a_language() -> None:
    entries = [
        VoiceEntry("a/xx-b", "B", ((5, "xx-b"), (8, "xx"))),
        VoiceEntry("a/xx-a", "A", ((5, "xx-a"), (2, "xx"))),
    ]
    assert VoiceTable(entries).by_language("xx").voice.name == "A"
