"""Writes interchanges of X12 and EDIFACT."""

from collections.abc import Sequence
from typing import Any, cast

from helixnet.engine.formats.edi.grammar import EdiGrammar, load_edi
from tests.unit.engine.formats.reading import Outcome, load, source

Message = Sequence[str]


def isa(number: int = 1, version: str = "00501", repetition: str = "^", ends: str = "*:~") -> str:
    """Write an ISA segment; ``ends`` are element, component and terminator."""
    values = ["00", " " * 10, "00", " " * 10, "ZZ", "SENDER".ljust(15), "ZZ", "RECEIVER".ljust(15)]
    values += ["260101", "1200", repetition, version, f"{number:09}", "0", "P", ends[1]]
    return ends[0].join(["ISA", *values]) + ends[2]


def x12(*messages: Message, number: int = 1, ends: str = "*:~", line: str = "", **isas: Any) -> str:
    """Write an interchange with one group of 850s, each given by its segments between ST and SE."""
    parts = [isa(number, ends=ends, **isas)]
    segments = [f"GS*PO*S*R*20260101*1200*{number}*X*005010"]
    for count, body in enumerate(messages, 1):
        segments += [f"ST*850*{count:04}", *body, f"SE*{len(body) + 2}*{count:04}"]
    segments += [f"GE*{len(messages)}*{number}", f"IEA*1*{number:09}"]
    parts += [segment.replace("*", ends[0]) + ends[2] for segment in segments]
    return "".join(part + line for part in parts)


def edifact(
    *messages: Message,
    number: str = "77",
    una: str = "UNA:+.? '",
    line: str = "",
    level: str = "UNOC:3",
) -> str:
    """Write an interchange of ORDERS, each given by its segments between UNH and UNT."""
    segments = [f"UNB+{level}+4012345000009:14+4054321000001:14+260101:1200+{number}"]
    for count, body in enumerate(messages, 1):
        segments += [f"UNH+{count}+ORDERS:D:96A:UN", *body, f"UNT+{len(body) + 2}+{count}"]
    segments.append(f"UNZ+{len(messages)}+{number}")
    if una:
        changed = str.maketrans(":+?'", una[3] + una[4] + una[6] + una[8])
        segments = [segment.translate(changed) for segment in segments]
    end = una[8] if una else "'"
    return (una + line if una else "") + "".join(segment + end + line for segment in segments)


def grammar(form: str, **more: Any) -> EdiGrammar:
    """Return the grammar of a source."""
    return load_edi(source(form, **more), {})


def read_edi(
    data: str | bytes, form: str = "x12", *, part_size: int = 10**6, **more: Any
) -> Outcome:
    """Read a file, EDIFACT in the character set that it names."""
    given = {"encoding": ()} if form == "edifact" else {}
    contract = source(form, **(given | more))
    raw = data if isinstance(data, bytes) else data.encode("iso8859-1")
    found = load_edi(contract, {})
    return load(raw, contract, grammar=found, part_size=part_size, needs=None)


def bare(node: Any) -> Any:
    """Return a node without names and lines."""
    if isinstance(node, list):
        return [bare(each) for each in cast("list[Any]", node)]
    if isinstance(node, dict):
        named = cast("dict[str, Any]", node)
        return {name: bare(each) for name, each in named.items() if not name.startswith("_")}
    return node
