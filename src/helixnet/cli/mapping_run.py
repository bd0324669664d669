"""One ``helixnet run``: files in, one output, rejects beside it, a line about each on stderr."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

from helixnet.cli.aside import Aside, refusal, writing
from helixnet.cli.faults import faults
from helixnet.cli.folder import AsideFolder
from helixnet.cli.streams import STDIN, JsonArray, ProgressBar, StandardOutput, held_back, opened
from helixnet.engine.codes import CODES
from helixnet.engine.plan import Plan
from helixnet.engine.transform import FileOutcome, transform_file
from helixnet.engine.written import Sink
from helixnet.errors import RefusedError, UsageError

_REASONS: Final = 3


class MappingRun:
    """Maps files into one output; when one of them fails there is no output file at all.

    Args:
        plan: the compiled context.
        output: path of OUT, a folder for a context with ``outputs``; None is standard output.
        rejects: path for all rejects; None gives each file that has some a file of its own.
        array: write one JSON array a file instead of NDJSON.
    """

    def __init__(self, plan: Plan, *, output: str | None, rejects: str | None, array: bool) -> None:
        self._plan = plan
        self._output = None if output is None else _aside(plan, Path(output), array=array)
        self._rejects = None if rejects is None else Aside(Path(rejects))
        match self._output:
            case AsideFolder(files=files):
                sinks: list[Sink] = [*files]
            case None:
                sinks = [StandardOutput()]
            case file:
                sinks = [file]
        self._arrays = [JsonArray(sink) for sink in sinks] if array else []
        self._documents: Sequence[Sink] = self._arrays or sinks
        self._failed = self._rejected = False
        self._names: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Begin; the end of the block leaves nothing unfinished behind."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was written aside and not kept."""
        for file in (self._output, self._rejects):
            if file is not None:
                file.drop()

    def map_file(self, path: str) -> None:
        """Map one file; a file that is refused is told of and counts as failed.

        Raises:
            UsageError: the file can't be read, or an output can't be written.
            UnavailableError: no room to write.
        """
        shown = "stdin" if path == STDIN else path
        name = Path(shown).name
        rejects = self._rejects or Aside(self._rejects_path(name), lazy=True)
        with ExitStack() as stack:
            if self._rejects is None:
                stack.callback(rejects.drop)
            try:
                outcome = self._transform(stack.enter_context(opened(path)), name, rejects)
            except RefusedError as error:
                self._failed = True
                _say(f"{shown}: {error.code}: {error}", error.hint or CODES[error.code].action)
                return
            except BrokenPipeError:
                raise
            except OSError as error:
                raise refusal(shown, error) from error
            if self._rejects is None:
                rejects.keep()
                if outcome.complete and not outcome.counts.rejected:
                    _remove_stale(rejects.path, name)
        self._report(shown, outcome, rejects)

    def _rejects_path(self, name: str) -> Path:
        """Name a file for rejects; files of one name in several folders get one each."""
        self._names[name] += 1
        number = "" if self._names[name] == 1 else f".{self._names[name]}"
        return Path(f"{name}{number}.rejects.ndjson")

    def _transform(self, stream: BinaryIO, name: str, rejects: Aside) -> FileOutcome:
        with self._held() as documents, ProgressBar(name) as bar:
            outcome = transform_file(
                self._plan,
                stream,
                documents=documents or self._sinks,
                rejects=rejects,
                file=name,
                on_index=bar.begin,
            )
            if documents is not None and outcome.verdict.state != "FAILED":
                documents.seek(0)
                for line in documents:
                    self._documents[0].write(line)
        return outcome

    @property
    def _sinks(self) -> Sink | Sequence[Sink]:
        """One for each output, or the only one for all."""
        return self._documents if isinstance(self._output, AsideFolder) else self._documents[0]

    def finish(self) -> int:
        """Put the output in its place; return the exit status."""
        for array in self._arrays:
            array.close()
        if self._rejects is not None:
            self._rejects.keep()
        if self._output is not None and not self._failed:
            self._output.keep()
        elif self._output is not None:
            _say(f"{self._output.path} is not written, because a file failed")
        with writing("standard output"):
            sys.stdout.flush()
        return int(self._failed or self._rejected)

    def _held(self) -> AbstractContextManager[BinaryIO | None]:
        """Hold documents back from standard output while the file may still fail."""
        context = self._plan.context
        if self._output is not None or not (
            context.fail_file or context.stop_at or context.file_checks
        ):
            return nullcontext()
        return held_back()

    def _by_output(self, documents: Sequence[int]) -> str:
        """Say how many of the documents are of which output."""
        if not self._plan.context.named:
            return ""
        pairs = zip(documents, self._plan.context.outputs, strict=True)
        return f" ({', '.join(f'{number} {output.name}' for number, output in pairs)})"

    def _report(self, path: str, outcome: FileOutcome, rejects: Aside) -> None:
        counts, verdict = outcome.counts, outcome.verdict
        self._failed |= verdict.state == "FAILED"
        self._rejected |= counts.rejected > 0
        if self._plan.context.source.on_drift != "allow":
            for text in outcome.drift:
                _say(f"{path}: warning: {text}")
        for sample in outcome.samples[:_REASONS]:
            _say(_reason(path, sample))
        if counts.rejected > _REASONS:
            _say(f"{path}: and {counts.rejected - _REASONS} more rejected records")
        incomplete = "" if outcome.complete else " (ended early)"
        where = f"; rejects in {rejects.path}" if counts.rejected else ""
        _say(
            f"{path}: {counts.records} records: {counts.used} used, {counts.rejected} rejected, "
            f"{counts.skipped} skipped{incomplete}; {counts.written} documents"
            f"{self._by_output(outcome.outputs)}{where}"
        )
        if verdict.state == "FAILED":
            _say(f"{path}: FAILED: {verdict.code}: {verdict.message}")


def _aside(plan: Plan, path: Path, *, array: bool) -> Aside | AsideFolder:
    """Open OUT: a file, or a folder with one for each output."""
    context = plan.context
    if not context.named:
        return Aside(path)
    end = "json" if array else "ndjson"
    return AsideFolder(path, [f"{output.name}.{end}" for output in context.outputs])


def refuse_overwriting(inputs: Sequence[str], outputs: Sequence[str | None]) -> None:
    """Make sure that no file is both read and written, or written twice.

    Raises:
        UsageError: one is.
    """
    read = [os.path.realpath(path) for path in inputs if path != STDIN]
    written = [os.path.realpath(path) for path in outputs if path is not None]
    for path in written:
        if (path in read or written.count(path) > 1) and not path.startswith("/dev/"):
            raise UsageError(f"{path} would be overwritten", hint="name another file")


def _remove_stale(path: Path, name: str) -> None:
    """Remove the rejects of an earlier run of a file that has none now; no other file."""
    try:
        if path.is_symlink() or not path.is_file():
            return
        with path.open("rb") as file:
            found: object = json.loads(file.readline(1 << 20))
        first = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        if first.get("file") != name or "errors" not in first:
            return
        path.unlink()
    except (OSError, ValueError):
        return
    _say(f"{path} of an earlier run is removed: no record is rejected now")


def _reason(path: str, reject: Mapping[str, Any]) -> str:
    """Say where and why a record was rejected, by the first of its faults."""
    first, *others = faults(reject["errors"])
    source = first.get("source", {"line": reject["line"]})
    place = ":".join(str(source[key]) for key in ("line", "column") if key in source)
    target = f" at {', '.join(first['targets'])}" if first["targets"] else ""
    field = source.get("field")
    of = f" ({field})" if field else ""
    step = f" in {first['step']}" if first.get("step") else ""
    hint = f" ({first['hint']})" if first.get("hint") else ""
    more = f"; and {len(others)} more in its reject" if others else ""
    return f"{path}:{place}: {first['code']}: {first['message']}{of}{target}{step}{hint}{more}"


def _say(text: str, hint: str = "") -> None:
    print(text + (f" ({hint})" if hint else ""), file=sys.stderr)
