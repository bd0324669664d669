"""A folder written aside and put in place at the end: one file for each output of a context."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from helixnet.cli.aside import Aside, umask, writing
from helixnet.errors import UsageError


class AsideFolder:
    """A folder that appears under its name, with all of its files, when :meth:`keep` is called.

    It takes the place of a folder of an earlier run, and of no other.

    Args:
        path: of the folder.
        names: of its files.

    Raises:
        UsageError: something else is there, or the folder can't be made.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self._target = path.resolve()
        self._names = names
        self._require_ours()
        with writing(path):
            self._aside: Path | None = Path(
                mkdtemp(prefix=f".{self._target.name}.", suffix=".part", dir=self._target.parent)
            )
            self._aside.chmod(0o777 & ~umask())
        self.files = [Aside(self._aside / name) for name in names]

    def keep(self) -> None:
        """Put what was written in place of what had the name before."""
        if self._aside is None:
            return
        for file in self.files:
            file.keep()
        self._require_ours()
        with writing(self.path):
            before = Path(f"{self._aside}.before")
            if self._target.exists():
                self._target.replace(before)
            self._aside.replace(self._target)
            self._aside = None
            if before.exists():
                shutil.rmtree(before)

    def drop(self) -> None:
        """Leave no trace of what was not kept."""
        for file in self.files:
            file.drop()
        if self._aside is not None:
            with suppress(OSError):
                shutil.rmtree(self._aside)

    def _require_ours(self) -> None:
        """See that nothing is lost when the folder takes its place."""
        if not self._target.exists():
            return
        if not self._target.is_dir():
            text = f"{self.path} is a file, and this context has `outputs`: OUT is then a folder"
            raise UsageError(text, hint="name a folder")
        found = sorted(entry.name for entry in self._target.iterdir())
        others = [name for name in found if name not in self._names]
        if others:
            text = f"{self.path} holds {others[0]}, which no output of this context is"
            raise UsageError(text, hint="name a new folder, or empty this one")
