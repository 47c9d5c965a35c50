"""Where the characters of what is said stood in the text that it was made from."""

from chatttsd.speech.sanitise import sanitise


def positions(source: str, said: str) -> list[int]:
    """Return for each character of `said`, and for its end (one more), its index in `source`, rising.

    `said` is `spoken` of a sanitised slice `source`: its characters in their order with some left out. A
    character that is not there stands where the next one does. Linear in both lengths.
    """
    clean = "".join(" " if character.isspace() else character for character in sanitise(source))
    last = {character: index for index, character in enumerate(clean)}
    found: list[int] = []
    position = 0
    for character in said:
        if last.get(character, -1) < position:
            found.append(position)
            continue
        place = clean.index(character, position)
        found.append(place)
        position = place + 1
    found.append(max(position, len(clean.rstrip())))
    return found
