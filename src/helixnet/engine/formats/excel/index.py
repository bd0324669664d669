"""Settles header, records, parts and drift of an unpacked sheet in one pass."""

from collections.abc import Iterator, Mapping, Sequence

from helixnet.engine.formats.csv.index import CsvContract, column_drift, scan_plan
from helixnet.engine.formats.csv.scan import CsvScan
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.excel.rows import SheetRows
from helixnet.engine.formats.retyped import BEGINNING, retyped_columns
from helixnet.engine.formats.scan import Facts


class SheetIndex:
    """The scan of a sheet, which has one codec, one line end, and no quotes."""

    def __init__(self, codec: Codec, contract: CsvContract) -> None:
        self.codecs: Sequence[Codec] = [codec]
        self._contract = contract
        self._rows = SheetRows(contract.source.cells.first_column)
        plan = scan_plan([codec], contract, codec.scanned)
        self._scan = CsvScan(codec, plan, rows=self._rows, start=0)

    def feed(self, block: bytes, *, final: bool) -> None:
        """Scan the next block of the file."""
        del final
        self._scan.feed(block)

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return what was found.

        Raises:
            RefusedError: HX-5002, HX-6001, HX-6002.
        """
        scan, source = self._scan, self._contract.source
        parts = scan.finish(size)
        header: Sequence[str] = list(source.fields or ())
        if source.header:
            found = self._rows.rows(scan.header_bytes).cells
            header = found[0] if found else []
        first = list(self._first_rows(header)) if source.fields else []
        named = [name for name in header if name]
        drift = column_drift(named, source, self._contract.used, first) if source.header else []
        if source.fields:
            drift = [*(drift if header else ()), *retyped_columns(source, first)]
        drift = [*(drift if header else ()), *scan.parted(codec)]
        return Facts("\n", scan.header_end, parts, header, drift)

    def _first_rows(self, header: Sequence[str]) -> Iterator[Mapping[str, object]]:
        """Yield the whole rows at the beginning of the file."""
        data = self._scan.beginning
        if len(data) == BEGINNING:
            data = data[: self._rows.whole(data)]
        for cells in self._rows.rows(data).cells:
            if len(cells) == len(header):
                yield dict(zip(reversed(header), reversed(cells), strict=True))
