"""Finds where a value stands in a JSON text; asked only when something is wrong with it."""

import json
import re
from typing import Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


def place_of(text: str, pointer: str) -> int:
    """Return the character at which the value of JSON pointer ``pointer`` begins, -1 if unknown."""
    try:
        place = _skip(text, 0)
        for token in pointer.split("/")[1:]:
            place = _step(text, place, token.replace("~1", "/").replace("~0", "~"))
    except (ValueError, IndexError, RecursionError):
        return -1
    return place


def _step(text: str, place: int, token: str) -> int:
    """Go from the container at ``place`` to its member ``token``."""
    if text[place] not in "{[":
        raise ValueError(token)
    is_object = text[place] == "{"
    place = _skip(text, place + 1)
    number = 0
    while text[place] not in "}]":
        name = str(number)
        if is_object:
            name, place = _DECODER.raw_decode(text, place)
            place = _skip(text, _skip(text, place) + 1)
        if name == token:
            return place
        place = _skip(text, _DECODER.raw_decode(text, place)[1])
        if text[place] == ",":
            place = _skip(text, place + 1)
        number += 1
    raise ValueError(token)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
