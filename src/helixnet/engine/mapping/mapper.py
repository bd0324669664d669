"""Applies a generated function to batches: documents, rejects and balanced counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from helixnet.engine.mapping.doubts import doubts_of
from helixnet.engine.mapping.emit.codegen import Generated
from helixnet.engine.mapping.given import Given, Target, Texts, given_of
from helixnet.engine.mapping.settle import DOUBT, Notes, Record, faults_of
from helixnet.engine.outcome import Counts, Fault, Mapped, Reject
from helixnet.engine.source import BLOCK, Batch

MAX_RAW: Final = 64 * 1024


class Mapper(Protocol):
    """What maps the records of one file."""

    @property
    def block(self) -> int:
        """Bytes of CSV that it takes at a time."""
        ...

    def map(self, batch: Batch, first_record: int) -> Mapped:
        """Map a batch whose first record has the number ``first_record`` (from 1) in its file."""
        ...


@dataclass(frozen=True, slots=True)
class RowMapper:
    """The rows executor: one generated function for all records of a file's header."""

    generated: Generated
    targets: Sequence[Target]
    block: int = BLOCK

    def map(self, batch: Batch, first_record: int) -> Mapped:
        """Map a batch of records.

        Args:
            batch: of one file.
            first_record: number (from 1) of the batch's first record in its file.
        """
        one, asks, unread = self.generated.one, self.generated.asks, batch.faults
        documents: list[str] = []
        outputs: list[int] = []
        rejects: list[Reject] = []
        notes: list[Any] = []
        add, skipped, used = documents.append, 0, 0
        for index, record in enumerate(batch.records):
            number = first_record + index
            if unread and index in unread:
                rejects.append(reject(batch, index, number, unread[index]))
                continue
            text = one(record, number, batch, index, notes, None)
            if text.__class__ is str and not notes and not asks:
                add(cast("str", text))
                used += 1
            elif text is None:
                skipped += 1
            else:
                answer = self._settled(Record(batch, index, record), number, notes, text)
                if isinstance(answer, Reject):
                    rejects.append(answer)
                else:
                    documents += answer.texts
                    outputs += answer.outputs
                    used += 1
        mapped = tallied(documents, rejects, used=used, skipped=skipped)
        mapped.outputs = outputs
        return mapped

    def ask(
        self, batch: Batch, index: int, record: list[Any], number: int
    ) -> Sequence[str] | Reject | None:
        """Map one readable record of a batch; None when it is skipped."""
        notes: list[Any] = []
        text = self.generated.one(record, number, batch, index, notes, None)
        if text is None:
            return None
        answer = self._settled(Record(batch, index, record), number, notes, text)
        return answer if isinstance(answer, Reject) else answer.texts

    def _settled(
        self, record: Record, number: int, notes: list[Any], texts: Texts
    ) -> Given | Reject:
        """Return a record's documents, or its reject with every fault; empties ``notes``."""
        given = given_of(texts)
        faults = self._faults(record, number, notes, given)
        notes.clear()
        if not faults:
            return given
        return reject(record.batch, record.index, number, faults, max(len(given.texts), 1))

    def _faults(self, record: Record, number: int, notes: list[Any], given: Given) -> list[Fault]:
        """Return every fault of a record: those noted, and those that the authority finds."""
        noted: Notes = [note for note in notes if note is not DOUBT]
        doubted = len(noted) < len(notes) or self.generated.asks
        rules = self.generated.rules
        faults = faults_of(record, noted, rules)
        if doubted:
            known = {fault.target for fault in faults if fault.target is not None}
            retrace = (self.generated.one, number)
            faults += doubts_of(record, given, self.targets, rules, known, retrace)
        return faults


def reject(
    batch: Batch, index: int, number: int, faults: Sequence[Fault], documents: int = 1
) -> Reject:
    """Return the reject of a record."""
    raw = bytes(batch.raw(index)[:MAX_RAW])
    return Reject(number, batch.line(index), raw, tuple(faults), documents)


def tallied(
    documents: list[str], rejects: list[Reject], *, skipped: int, used: int | None = None
) -> Mapped:
    """Return the result of a batch with its counts.

    Args:
        documents: of the records that are good.
        rejects: one for each record that is not.
        skipped: how many records were passed over.
        used: how many records are good; None = each gave one document.
    """
    good = len(documents) if used is None else used
    return Mapped(documents, rejects, counted(len(documents), rejects, used=good, skipped=skipped))


def counted(
    written: int, rejects: Sequence[Reject] = (), *, skipped: int, used: int | None = None
) -> Counts:
    """Return the counts of a batch; each good record gave one document unless ``used`` is told."""
    good = written if used is None else used
    lost = sum(each.documents for each in rejects)
    return Counts(
        records=good + skipped + len(rejects),
        used=good,
        rejected=len(rejects),
        skipped=skipped,
        documents=written + lost,
        written=written,
        documents_rejected=lost,
    )
