from chatttsd.engine import espeak_names
from chatttsd.speech import names


def test_the_engines_say_the_names_that_are_used_everywhere() -> None:
    assert espeak_names.character_name is names.character_name
    assert espeak_names.key_name is names.key_name
