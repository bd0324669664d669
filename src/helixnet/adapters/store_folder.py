"""Object store on a folder: what returned is on the disk, what is half written is never seen."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from helixnet.adapters.store_keys import AREAS, BLOCK, Count, segments_of, uncounted
from helixnet.errors import NotFoundError, UnavailableError, UsageError
from helixnet.ports import ObjectRef, StoreTraits

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_OBJECT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
T = TypeVar("T")


class FolderStore:
    """Keys are paths below ``root``; the first segment is one of :data:`AREAS`.

    In the inbox a version is made of inode, change time and size, so a file overwritten in place,
    or dropped again with the same content and times, is another version. Elsewhere it is made of
    modification time and size, which a copy of the folder keeps. Symbolic links, devices and pipes
    are not objects: they are neither listed nor read nor taken.

    Args:
        root: made if it is not there; everything in it must be on one file system.
        scratch: folder for what is being written, on that file system too; default ``tmp``.
        count: told the kind of each operation: put, get, copy, delete, list or head.

    Raises:
        UnavailableError: the folder can't be made or written.
    """

    traits = StoreTraits(whole=False, costly=False, door="folder")

    def __init__(
        self, root: Path, scratch: Path | None = None, *, count: Count = uncounted
    ) -> None:
        self._root = root.absolute()
        self._count = count
        self._fresh = (scratch or self._root / "tmp").absolute()
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="store")
        with _translated(self._root):
            for area in AREAS:
                (self._root / area).mkdir(parents=True, exist_ok=True)
            self._fresh.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        """A folder on the same file system, from which :meth:`put_file` is a rename."""
        return self._fresh

    async def put_file(self, key: str, path: Path) -> ObjectRef:
        """See :class:`helixnet.ports.ObjectStore`."""
        self._count("put")
        return await self._run(lambda: self._put(key, path))

    async def put_bytes(self, key: str, data: bytes, *, durable: bool = True) -> ObjectRef:
        """See :class:`helixnet.ports.ObjectStore`."""
        self._count("put")

        def put() -> ObjectRef:
            fresh = self._fresh / uuid4().hex
            try:
                with _translated(fresh):
                    fresh.write_bytes(data)
                return self._put(key, fresh, durable=durable)
            finally:
                fresh.unlink(missing_ok=True)

        return await self._run(put)

    @asynccontextmanager
    async def local(
        self, ref: ObjectRef, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[tuple[Path, int]]:
        """See :class:`helixnet.ports.ObjectStore`; the file is lent, not copied."""
        self._count("get")
        path = self._path(ref.key)
        await self._run(lambda: self._expect(ref))
        yield path, start

    async def read(
        self, ref: ObjectRef, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """See :class:`helixnet.ports.ObjectStore`."""
        self._count("get")
        await self._run(lambda: self._expect(ref))
        place, stop = start, ref.size if end is None else min(end, ref.size)
        with _translated(self._path(ref.key)):
            handle = os.open(self._path(ref.key), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            while place < stop:
                size = min(BLOCK, stop - place)
                block = await self._run(lambda at=place, n=size: os.pread(handle, n, at))
                if not block:
                    raise UnavailableError(f"{ref.key} ends early at byte {place}")
                yield block
                place += len(block)
        finally:
            os.close(handle)

    async def find(self, key: str, version: str = "") -> ObjectRef | None:
        """See :class:`helixnet.ports.ObjectStore`."""
        self._count("head")
        path = self._path(key)
        found = await self._run(lambda: object_of(key, path))
        return found if found is None or version in {"", found.version} else None

    async def list(self, prefix: str, *, replaced: bool = False) -> AsyncIterator[ObjectRef]:
        """See :class:`helixnet.ports.ObjectStore`; ``prefix`` may end within a name.

        A folder keeps nothing that was replaced.
        """
        self._count("list")
        folder = prefix.rpartition("/")[0]
        root = self._path(folder) if folder else self._root
        for ref in await self._run(lambda: sorted(_walk(root, folder), key=lambda r: r.key)):
            if ref.key.startswith(prefix) and ref.key.partition("/")[0] in AREAS:
                yield ref

    async def take(self, ref: ObjectRef, key: str) -> ObjectRef | None:
        """See :class:`helixnet.ports.ObjectStore`; a rename, so one of several takers wins."""
        self._count("copy")
        return await self._run(lambda: self._take(ref, key))

    async def remove(self, refs: Sequence[ObjectRef]) -> None:
        """See :class:`helixnet.ports.ObjectStore`."""
        for ref in refs:
            if await self.find(ref.key, ref.version) is not None:
                await self.delete(ref.key)

    async def delete(self, key: str) -> None:
        """See :class:`helixnet.ports.ObjectStore`; folders left empty below an area go too."""
        self._count("delete")
        await self._run(lambda: self._delete(key))

    async def close(self) -> None:
        """End the threads; what was asked is finished."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, unit: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, unit)

    def _path(self, key: str) -> Path:
        """Confine ``key`` below the root; no segment of it may be a symbolic link."""
        path = self._root
        for part in segments_of(key):
            path /= part
            if path.is_symlink():
                raise UsageError(f"a symbolic link is not an object: {key!r}")
        return path

    def _put(self, key: str, fresh: Path, *, durable: bool = True) -> ObjectRef:
        target = self._path(key)
        with _translated(target):
            if durable:
                _sync(fresh)
                _make_folder(target.parent, self._root)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
            fresh.replace(target)
            if durable:
                _sync(target.parent)
            return _of(key, target.stat())

    def _expect(self, ref: ObjectRef) -> None:
        found = object_of(ref.key, self._path(ref.key))
        if found is None or (ref.version and found.version != ref.version):
            raise NotFoundError(f"no object {ref.key} of version {ref.version}")

    def _take(self, ref: ObjectRef, key: str) -> ObjectRef | None:
        source, target = self._path(ref.key), self._path(key)
        with _translated(target):
            try:
                handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError as error:
                if error.errno in _NO_OBJECT:
                    return None
                raise
            try:
                os.fsync(handle)
                _make_folder(target.parent, self._root)
                meant = os.fstat(handle)
                same = _of(ref.key, meant).version == ref.version
                if not same or not self._move(source, target, meant):
                    return None
            finally:
                os.close(handle)
            _sync(target.parent)
            _sync(source.parent)
            return _of(key, target.stat())

    def _move(self, source: Path, target: Path, meant: os.stat_result) -> bool:
        """Rename a drop; one that a partner put in its place meanwhile goes back.

        No system call renames a file only if it is a certain one, so it is looked at afterwards.
        """
        try:
            source.rename(target)
        except FileNotFoundError:
            return False
        moved = target.lstat()
        if os.path.samestat(moved, meant):
            return True
        with suppress(FileExistsError):  # then there is a still newer drop, which replaced it
            os.link(target, source, follow_symlinks=False)
        target.unlink()
        return False

    def _delete(self, key: str) -> None:
        path = self._path(key)
        with _translated(path):
            path.unlink(missing_ok=True)
        keep = {self._root / area for area in AREAS}
        # The inbox's folders are the partners' doors: they stay when they are empty.
        while key.partition("/")[0] != "inbox" and path.parent not in keep:
            path = path.parent
            try:
                path.rmdir()
            except OSError:
                return


@contextmanager
def _translated(path: Path) -> Generator[None]:
    """Turn what the operating system says into what the caller must do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UnavailableError(
                f"no room for {path.name} in the data folder", code="HX-7004"
            ) from error
        raise UnavailableError(f"{path}: {error.strerror}") from error


def _sync(path: Path) -> None:
    """Have the disk hold a file's bytes, or a folder's names, before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path, root: Path) -> None:
    """Make a folder and those above it, each durable in its parent."""
    if folder == root or folder.is_dir():
        return
    _make_folder(folder.parent, root)
    with suppress(FileExistsError):
        folder.mkdir()
    _sync(folder.parent)


def _of(key: str, found: os.stat_result) -> ObjectRef:
    stamp = f"{found.st_mtime_ns:x}"
    if key.startswith("inbox/"):
        stamp = f"{found.st_ctime_ns:x}-{found.st_ino:x}"
    version = f"{stamp}-{found.st_size:x}"
    return ObjectRef(key, version, found.st_size)


def object_of(key: str, path: Path) -> ObjectRef | None:
    """Return the object that the file at ``path`` is; None when it is no regular file."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _of(key, found) if stat.S_ISREG(found.st_mode) else None


def _walk(folder: Path, key: str) -> Iterator[ObjectRef]:
    """Yield the regular files below ``folder``; what vanishes meanwhile is not there."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = f"{key}/{entry.name}" if key else entry.name
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), name)
            elif entry.is_file(follow_symlinks=False):
                yield _of(name, entry.stat(follow_symlinks=False))
