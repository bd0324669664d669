"""The engine's values as the authority knows them: dates as text, text without half pairs."""

from datetime import date
from typing import cast

from helixnet.engine.output import moment_text


def plain(value: object) -> object:
    """Return a value in which only JSON's own types and Decimals stand."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)  # documents have text keys
        return {plain_text(name): plain(member) for name, member in members.items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("list[object]", value)]
    if isinstance(value, str):
        return plain_text(value)
    return moment_text(value) if isinstance(value, date) else value


def plain_text(text: str) -> str:
    """Return a text that UTF-8 can hold: half of a surrogate pair becomes U+FFFD."""
    return (
        text
        if text.isascii()
        else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
