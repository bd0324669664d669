"""Files written aside and put in place at the end, so that a reader sees all or nothing."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final, cast

from helixnet.errors import HelixNetError, UnavailableError, UsageError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Aside:
    """A file that appears under its name only when :meth:`keep` is called.

    What is no regular file, such as ``/dev/null`` or a pipe, is written directly.
    """

    def __init__(self, path: Path, *, lazy: bool = False) -> None:
        self.path = path
        self._target = Path(os.path.realpath(path))
        self._stream: BinaryIO | None = None
        self._aside: Path | None = None
        if not lazy:
            self._open()

    @property
    def begun(self) -> bool:
        """Whether the file was opened, which a lazy one is when something is written."""
        return self._stream is not None

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``.

        Raises:
            UnavailableError: the disk is full.
            UsageError: the file can't be written.
        """
        with writing(self.path):
            stream = self._stream or self._open()
            stream.write(data)
        return len(data)

    def keep(self) -> None:
        """Put what was written in place of what had the name before."""
        if self._stream is None:
            return
        with writing(self.path):
            self._stream.close()
            if self._aside is not None:
                self._aside.replace(self._target)
                self._aside = None

    def drop(self) -> None:
        """Leave no trace of what was not kept."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
        if self._aside is not None:
            self._aside.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        with writing(self.path):
            if self._target.exists() and not stat.S_ISREG(self._target.stat().st_mode):
                self._stream = self._target.open("wb")
                return self._stream
            mode = self._target.stat().st_mode if self._target.exists() else 0o666 & ~umask()
            file = NamedTemporaryFile(  # noqa: SIM115 - closed by keep or drop
                dir=self._target.parent,
                prefix=f".{self._target.name}.",
                suffix=".part",
                delete=False,
            )
            self._aside = Path(file.name)
            self._stream = cast("BinaryIO", file)  # a wrapper that does all that a file does
            self._aside.chmod(stat.S_IMODE(mode))
            return self._stream


def umask() -> int:
    """Return the permissions that new files do not get."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextmanager
def writing(path: Path | str) -> Generator[None]:
    """Turn the system's refusal to write ``path`` into an error with its reason and status."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refusal(path, error) from error


def refusal(path: Path | str, error: OSError) -> HelixNetError:
    """Return the error for what the system refuses about a path, with its reason and status."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return UnavailableError(f"{path}: {reason}", code="HX-7004", hint="free room, run again")
    return UsageError(f"{path}: {reason}")
