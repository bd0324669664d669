"""YAML as nodes with places, nothing resolved: what a plain scalar means is not YAML's to say.

Built on PyYAML's events, not on its nodes, because those no longer show anchors and recurse. Plain
good text is read by libyaml, twenty times as fast; the rest, and all that is wrong, by PyYAML's own
parser, so that problems and places do not depend on which of the two is there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import yaml

from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems

MAX_DEPTH: Final = 64
MAX_NODES: Final = 100_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BREAKS = re.compile(f"({_BREAK.pattern})")
_UNSURE = re.compile(
    "[^\r\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    r"|\r(?!\n)|\?|[|>][-+0-9]*#"
)
"""What libyaml and PyYAML take for different things: tabs, odd line ends, `?`, `|#`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as written.

    Args:
        text: its content, YAML quoting undone.
        style: empty when plain, else the quote or block indicator.
        mark: place of the first character of the content.
        end: index in the text of the file after the scalar.
        flow: inside ``{}`` or ``[]`` of YAML.
    """

    text: str
    style: str
    mark: Mark
    end: int = 0
    flow: bool = False

    @property
    def plain(self) -> bool:
        """Whether it was written without quotes."""
        return not self.style


@dataclass(frozen=True, slots=True)
class Items:
    """A YAML sequence."""

    items: Sequence["Node"]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Pairs:
    """A YAML mapping whose keys are scalars, each once, in the order written."""

    pairs: Sequence[tuple[Scalar, "Node"]]
    mark: Mark

    def get(self, key: str) -> "Node | None":
        """Value of a key, or None."""
        return next((value for name, value in self.pairs if name.text == key), None)


Node: TypeAlias = Scalar | Items | Pairs
_Loader: TypeAlias = yaml.SafeLoader | yaml.CSafeLoader


def kind(node: Node) -> str:
    """Name what a node is, for messages."""
    match node:
        case Scalar():
            return "a text" if node.text or not node.plain else "nothing"
        case Items():
            return "a list"
        case Pairs():
            return "a mapping"


def split_lines(text: str) -> list[str]:
    """Lines as YAML counts them."""
    return _BREAK.split(text)


def replace_lines(text: str, lines: Mapping[int, str]) -> str:
    """Text with other lines (by number from 0) in place of its own, line ends kept."""
    parts = _BREAKS.split(text)
    for number, line in lines.items():
        parts[2 * number] = line
    return "".join(parts)


class _Frame:
    """A collection that is still open."""

    __slots__ = ("children", "flow", "mapping", "mark", "start")

    def __init__(self, mark: Mark, start: int, *, mapping: bool, flow: bool) -> None:
        self.mark = mark
        self.start = start
        self.mapping = mapping
        self.flow = flow
        self.children: list[Node] = []


class _Composer:
    """Turns events into nodes with an own stack: depth is a limit, never a crash."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._text = text
        self._file = file
        self._problems = problems
        self._frames: list[_Frame] = []
        self._root: Node | None = None
        self._several = False
        self._count = 0
        self.sure = True  # no empty value, whose place depends on the parser

    def compose(self, loader: type[_Loader]) -> Node | None:
        """Read all events; None for an empty stream or one over a limit."""
        for event in yaml.parse(self._text, Loader=loader):
            self._count += 1
            if not self._take(event):
                return None
        return self._root

    def _take(self, event: yaml.Event) -> bool:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            scalar = cast("yaml.ScalarEvent", event)
            self._node_start(scalar)
            self._put(self._scalar(scalar))
        elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            start = cast("yaml.CollectionStartEvent", event)
            self._node_start(start)
            return self._open(start)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._close(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)
        elif kind is yaml.AliasEvent:
            anchor = cast("yaml.AliasEvent", event).anchor
            self._refuse(event, f"alias `*{anchor}`", "write the value out")
            self._put(Scalar("null", "", self._mark(event)))
        return True

    def _document(self, event: yaml.Event) -> None:
        if self._root is not None and not self._several:
            self._several = True
            self._refuse(event, "a second document in the file", "keep one; remove the `---`")

    def _node_start(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._refuse(event, f"anchor `&{event.anchor}`", "write the value out where it is used")
        if event.tag is not None:
            self._refuse(
                event, f"tag `{_written(event.tag)}`", "remove it; types come from the schema"
            )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        style = event.style or ""
        mark = self._mark(event)
        self.sure = self.sure and bool(style or event.value)
        if style in ("'", '"'):
            mark = Mark(mark.file, mark.line, mark.column + 1)
        elif style:
            mark = self._block_mark(mark, _start(event))
        flow = bool(self._frames) and self._frames[-1].flow
        if _SURROGATE.search(event.value):
            hint = "write the character itself"
            self._problems.add(mark, "HX-4001", "half of a surrogate pair is no character", hint)
            return Scalar(_SURROGATE.sub("\ufffd", event.value), style, mark, _end(event), flow)
        return Scalar(str(event.value), style, mark, _end(event), flow)

    def _block_mark(self, mark: Mark, start: int) -> Mark:
        for number, line in enumerate(split_lines(self._text[start:])[1:], mark.line + 1):
            if line.strip():
                return Mark(mark.file, number, len(line) - len(line.lstrip()) + 1)
        return mark

    def _open(self, event: yaml.CollectionStartEvent) -> bool:
        mark = self._mark(event)
        over = None
        if len(self._frames) >= MAX_DEPTH:
            over = f"nested deeper than {MAX_DEPTH} levels"
        elif self._count > MAX_NODES:
            over = f"more than {MAX_NODES} values"
        if over:
            self._problems.add(mark, "HX-4001", over, "put tables into files of the bundle")
            return False
        mapping = isinstance(event, yaml.MappingStartEvent)
        start = _start(event)
        self._frames.append(_Frame(mark, start, mapping=mapping, flow=bool(event.flow_style)))
        return True

    def _close(self, event: yaml.Event) -> None:
        frame = self._frames.pop()
        if not frame.mapping:
            self._put(Items(frame.children, frame.mark))
            return
        keys = frame.children[::2]
        values = frame.children[1::2]
        if self._text.startswith("{{", frame.start) and keys and isinstance(keys[0], Pairs):
            self._put(self._unquoted_template(frame, _end(event)))
            return
        self._put(Pairs(self._checked(zip(keys, values, strict=True)), frame.mark))

    def _unquoted_template(self, frame: _Frame, end: int) -> Scalar:
        written = self._text[frame.start : end]
        hint = "write '" + written.replace("'", "''") + "'"
        self._problems.cut(frame.mark, "YAML takes an unquoted `{{` for a mapping", hint)
        return Scalar(written, "'", frame.mark, end, frame.flow)

    def _checked(self, pairs: Iterator[tuple[Node, Node]]) -> list[tuple[Scalar, Node]]:
        seen: dict[str, Scalar] = {}
        kept: list[tuple[Scalar, Node]] = []
        for key, value in pairs:
            if not isinstance(key, Scalar):
                self._problems.add(key.mark, "HX-4006", f"{kind(key)} as a key", "a key is a text")
            elif key.plain and key.text == "<<":
                self._problems.add(key.mark, "HX-4006", "merge key `<<`", "write the keys out")
            elif key.text in seen:
                first = seen[key.text].mark.line
                message = f"duplicate key `{key.text}`, first on line {first}"
                self._problems.add(key.mark, "HX-4006", message, "keep one of them")
            else:
                seen[key.text] = key
                kept.append((key, value))
        return kept

    def _put(self, node: Node) -> None:
        if self._frames:
            self._frames[-1].children.append(node)
        elif self._root is None:
            self._root = node

    def _mark(self, event: yaml.Event) -> Mark:
        mark = event.start_mark
        return Mark(self._file, mark.line + 1, mark.column + 1) if mark else Mark(self._file, 1, 1)

    def _refuse(self, event: yaml.Event, what: str, hint: str) -> None:
        self._problems.add(self._mark(event), "HX-4006", f"{what} is refused", hint)


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _written(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def compose(text: str, file: str, problems: Problems) -> Node | None:
    """Read one YAML document as nodes; features that hide meaning go to ``problems``.

    Returns:
        The root, or None for an empty text or one over a limit (then a problem says so).

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    if yaml.__with_libyaml__ and not _UNSURE.search(text):
        attempt = Problems()
        composer = _Composer(text, file, attempt)
        try:
            root = composer.compose(yaml.CSafeLoader)
        except yaml.YAMLError:
            pass  # PyYAML says below what is wrong
        else:
            if composer.sure and not attempt.found:
                return root
    return _Composer(text, file, problems).compose(yaml.SafeLoader)
