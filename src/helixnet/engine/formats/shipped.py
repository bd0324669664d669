"""Which types of messages and IDocs have a grammar in the package."""

import re
from functools import lru_cache
from importlib import resources
from typing import Final

_FORMS: Final = {
    "x12": re.compile(r"([0-9]{3})\.[0-9]{6}\.yaml"),
    "edifact": re.compile(r"([A-Z]{6})\.D[0-9]{2}[AB]\.yaml"),
    "idoc": re.compile(r"([A-Z0-9_]+)\.yaml"),
}


@lru_cache(maxsize=3)
def shipped_types(form: str) -> tuple[str, ...]:
    """Return the types of a format (x12, edifact, idoc) whose grammars are shipped, by name."""
    folder = resources.files("helixnet.engine.formats").joinpath("grammars")
    found = (_FORMS[form].fullmatch(one.name) for one in folder.iterdir())
    return tuple(sorted(match[1] for match in found if match is not None))
