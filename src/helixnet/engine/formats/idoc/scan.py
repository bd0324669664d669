"""The sequential pass over a flat IDoc file: documents, borders, and drift from the grammar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.idoc.grammar import CONTROL, IdocGrammar
from helixnet.engine.formats.idoc.lines import CONTROL_NAME, NAME_END, name_of, starts_of
from helixnet.engine.formats.idoc.place import ROOT, Placer
from helixnet.engine.formats.parts import PartCutter
from helixnet.engine.formats.scan import Facts
from helixnet.errors import RefusedError

_MOST_NOTES: Final = 50
_MOST_STEPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class IdocPlan:
    """What a scan needs of the contract.

    Args:
        grammar: of the IDoc type.
        on_drift: allow, warn, reject or fail.
        limit: longest document in bytes.
        part_size: bytes after which a part ends at the next document.
    """

    grammar: IdocGrammar
    on_drift: str
    limit: int
    part_size: int


class _Steps(dict[str, "_Steps"]):
    """Where a row leads from one path of open segments, by its first 30 characters."""

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        super().__init__()
        self.state = state


class IdocScan:
    """Scans one flat file; every control record begins a document and is a border."""

    def __init__(self, codecs: Sequence[Codec], plan: IdocPlan, *, start: int) -> None:
        self.codecs = codecs
        self._plan = plan
        self._transcoder = Transcoder(codecs[0])
        self._cutter = PartCutter(start, line=1, size=plan.part_size)
        self._placer, self._steps, self._count = Placer(plan.grammar), _Steps(ROOT), 0
        self._known = {ROOT: self._steps}
        self._type_at = plan.grammar.fields(CONTROL).get("IDOCTYP", (0, 0))
        self._start, self._carry, self._document_size = start, b"", 0
        self._newline = ""
        self._drift: dict[str, None] = {}
        self._unended = False
        self._failure: RefusedError | None = None

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        if self._failure is not None:
            return
        data = self._carry + self._transcoder.feed(block, final=final)
        whole = len(data) if final else data.rfind(b"\n") + 1
        self._carry = data[whole:]
        try:
            if whole:
                self._take(data[:whole])
            if len(self._carry) > self._plan.limit:
                raise self._too_long()
        except RefusedError as failure:
            self._failure, self._carry = failure, b""

    def _take(self, data: bytes) -> None:
        if not self._newline:
            self._newline = "\r\n" if b"\r\n" in data else "\n"
        self._unended = not data.endswith(b"\n")
        done, documents = 0, 0
        for start in starts_of(data):
            if start - done >= self._cutter.wanted:
                self._add(data[done:start], documents)
                self._cutter.cut()
                done, documents = start, 0
            if self._document_size + start > self._plan.limit:
                raise self._too_long()
            self._document_size = -start
            documents += 1
        self._document_size += len(data)
        if self._document_size > self._plan.limit:
            raise self._too_long()
        if self._plan.on_drift != "allow":
            self._check(data.decode("latin-1"))
        self._add(data[done:], documents)

    def _add(self, data: bytes, documents: int) -> None:
        self._cutter.add(
            len(data),
            length=self.codecs[0].source_length(data),
            records=documents,
            lines=data.count(b"\n"),
        )

    def _check(self, text: str) -> None:
        """Place every segment, to know what the file has that the grammar has not."""
        steps = self._steps
        for line in text.split("\n"):
            step = steps.get(line[:NAME_END])
            steps = self._place(steps, line) if step is None else step
        self._steps = steps

    def _place(self, steps: _Steps, line: str) -> _Steps:
        """Place a segment that was not met after this path before, or a control record."""
        name = name_of(line)
        move = self._placer.move(steps.state, name) if name else None
        if move is None:
            if name:
                self._note(name)
            return steps
        onward = self._known.setdefault(move.state, _Steps(move.state))
        if move.type == CONTROL:
            self._check_type(line)
            return onward
        if self._count > _MOST_STEPS:  # a hostile file may hold any number of names
            self._count = 0
            for known in self._known.values():
                known.clear()
        self._count += 1
        steps[line[:NAME_END]] = onward
        return onward

    def _check_type(self, line: str) -> None:
        found = line[self._type_at[0] : self._type_at[1]].strip()
        if found and found != self._plan.grammar.type and len(self._drift) < _MOST_NOTES:
            self._drift[f"IDoc type {found} where {self._plan.grammar.type} is declared"] = None

    def _note(self, name: str) -> None:
        if len(self._drift) < _MOST_NOTES:
            known = self._placer.knows(name)
            note = f"segment {name} where it may not stand" if known else f"unknown segment {name}"
            self._drift[note] = None

    def _too_long(self) -> RefusedError:
        return RefusedError(
            f"line {self._cutter.line}: an IDoc is longer than {self._plan.limit} bytes",
            code="HX-6001",
            hint="raise `max_record_bytes` if it is right",
        )

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return parts and drift.

        Raises:
            RefusedError: HX-6001 a document is too long; HX-5005 drift with ``on_drift: fail``.
        """
        if self._failure is not None:
            raise self._failure
        drift = list(self._drift)
        if self._unended and self._plan.on_drift != "allow":
            drift.append("the last record has no line end: the file may be cut off")
        if drift and self._plan.on_drift == "fail":
            raise RefusedError("; ".join(drift), code="HX-5005", hint="extend the grammar")
        newline = "" if codec.unbroken else self._newline or "\n"
        return Facts(newline, self._start, self._cutter.finish(size), drift=[*map(Drift, drift)])


def begins_as_idoc(head: str) -> RefusedError | None:
    """Return why a file that begins with ``head`` is no flat IDoc file, or None if it may be."""
    head = head.lstrip("\r\n")
    if not head or head.startswith(CONTROL_NAME):
        return None
    return RefusedError(
        f"a flat IDoc file begins with {CONTROL_NAME}, this one with {head[:10]!r}",
        code="HX-5004",
    )
