"""A starting ``source:`` as YAML: short mappings on one line, fields one a line."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from helixnet.engine.sniffing.found import Found, Yaml

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def source_block(found: Found) -> str:
    """Return a ``source:`` that ``check`` accepts."""
    lines = ["source:", f"  format: {found.format}"]
    for name, value in found.source.items():
        if isinstance(value, Mapping) and name in ("fields", "records"):
            lines.append(f"  {name}:")
            lines += [f"    {_scalar(key)}: {_flow(one)}" for key, one in value.items()]
        else:
            lines.append(f"  {name}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Yaml) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    items: Sequence[Yaml] = value
    return "[" + ", ".join(map(_flow, items)) + "]"


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in written)
