"""What a partner sees and may do by SFTP: folders of its tenant's inbox, and putting files there.

The tree is made up of the tenant's flows and the store; no path of this machine is behind it, so
there is none to leave. A file counts when the partner closes it; ``x.part`` and the like wait
aside until they get their final name.
"""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn
from uuid import uuid4

import asyncssh
from asyncssh import SFTPAttrs, SFTPName, SFTPServer, SSHServerChannel
from asyncssh.constants import FXF_TRUNC, FXF_WRITE

from helixnet.errors import HelixNetError
from helixnet.ledger.catalog import list_flows
from helixnet.ports import Ledger, ObjectRef, ObjectStore, is_unfinished

NAME_BYTES: Final = 255  # what file systems take
_WILD: Final = frozenset("*?[")
_FOLDER: Final = SFTPAttrs(permissions=stat.S_IFDIR | 0o755, size=0, uid=0, gid=0)
Dropped = Callable[[ObjectRef], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one partner's files go.

    Args:
        tenant: whose inbox it is.
        aside: local folder of this partner for what is not finished.
        scratch: local folder from which the store takes files.
        dropped: told of every file that is complete.
        lost: whether the partner's connection has broken off.
    """

    tenant: str
    aside: Path
    scratch: Path
    ledger: Ledger
    store: ObjectStore
    dropped: Dropped
    lost: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file that a partner is writing."""

    path: PurePosixPath
    local: Path
    handle: int


class Drops(SFTPServer):
    """One SFTP session of a partner. Every operation that it does not name is refused."""

    def __init__(self, channel: SSHServerChannel[bytes], place: Place) -> None:
        super().__init__(channel)  # pyright: ignore[reportUnknownMemberType] - its channel type has no argument
        self._place = place

    def map_path(self, path: bytes) -> bytes:
        """Refuse: what is inherited would reach into this machine's own files."""
        del path
        _deny()

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Begin an upload; nothing can be read."""
        del attrs
        target = _inside(path)
        if not pflags & FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("files can be put here, not fetched")
        await self._require_folder(target.parent)
        local = self._aside(target) if is_unfinished(target.name) else self._fresh()
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
        if pflags & FXF_TRUNC:
            flags |= os.O_TRUNC
        local.parent.mkdir(parents=True, exist_ok=True)
        return _Upload(target, local, os.open(local, flags, 0o600))

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a block."""
        upload = _upload(file_obj)
        try:
            return await asyncio.to_thread(os.pwrite, upload.handle, data, offset)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise asyncssh.SFTPNoSpaceOnFilesystem("no room") from error
            raise

    async def close(self, file_obj: object) -> None:
        """End an upload: the partner's success answer means that the file is safe."""
        upload = _upload(file_obj)
        os.close(upload.handle)
        if is_unfinished(upload.path.name):
            return
        if self._place.lost():
            upload.local.unlink(missing_ok=True)
            return
        await self._drop(upload.local, upload.path)

    def fstat(self, file_obj: object) -> os.stat_result:
        """Tell what has been written so far."""
        return os.fstat(_upload(file_obj).handle)

    def read(self, file_obj: object, offset: int, size: int) -> NoReturn:
        """Refuse."""
        _deny()

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Take note: times and modes of a drop mean nothing here."""

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Take note, as above; the file may be on its way already."""

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Take note, as above."""

    def fsync(self, file_obj: object) -> None:
        """Have the disk hold what has been written."""
        os.fsync(_upload(file_obj).handle)

    def realpath(self, path: bytes) -> bytes:
        """Resolve a path; above the top there is nothing."""
        return b"/" + _inside(path).as_posix().removeprefix(".").encode()

    async def stat(self, path: bytes) -> SFTPAttrs:
        """Tell what stands at a path."""
        target = _inside(path)
        if await self._is_folder(target):
            return _FOLDER
        local = self._aside(target)
        if is_unfinished(target.name) and local.is_file():
            return _file(local.stat().st_size)
        found = await self._find(target)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return _file(found.size)

    async def lstat(self, path: bytes) -> SFTPAttrs:
        """Tell what stands at a path; there are no links."""
        return await self.stat(path)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """List a folder: those of flows, what waits aside, and what was not taken yet."""
        target = _inside(path)
        await self._require_folder(target)
        yield SFTPName(b".", attrs=_FOLDER)
        yield SFTPName(b"..", attrs=_FOLDER)
        for name in sorted({f.name for f in await self._folders() if f.parent == target} - {""}):
            yield SFTPName(name.encode(), attrs=_FOLDER)
        aside = self._aside(target)
        for local in sorted(aside.iterdir()) if aside.is_dir() else ():
            if local.is_file():
                yield SFTPName(local.name.encode(), attrs=_file(local.stat().st_size))
        async for ref in self._place.store.list(self._key(target / "x")[:-1]):
            relative = PurePosixPath(ref.key.removeprefix(f"inbox/{self._place.tenant}/"))
            if relative.parent == target:
                yield SFTPName(relative.name.encode(), attrs=_file(ref.size))

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a folder; it lasts as long as something is in it or a flow names it."""
        del attrs
        target = _inside(path)
        await self._require_folder(target.parent)
        self._aside(target).mkdir(parents=True, exist_ok=True)

    async def remove(self, path: bytes) -> None:
        """Remove what is not finished; a drop that is complete stays."""
        target = _inside(path)
        if not is_unfinished(target.name):
            _deny()
        try:
            self._aside(target).unlink()
        except OSError as error:
            raise asyncssh.SFTPNoSuchFile("no such file") from error

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file its final name, which makes it a drop."""
        old, new = _inside(oldpath), _inside(newpath)
        await self._require_folder(new.parent)
        local = self._aside(old)
        if is_unfinished(old.name) and local.is_file():
            if is_unfinished(new.name):
                self._aside(new).parent.mkdir(parents=True, exist_ok=True)
                local.replace(self._aside(new))
            else:
                await self._drop(local, new)
            return
        found = await self._find(old)
        if found is None or await self._place.store.take(found, self._key(new)) is None:
            raise asyncssh.SFTPNoSuchFile("no such file, or it was taken already")

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, as above."""
        await self.rename(oldpath, newpath)

    async def _drop(self, local: Path, path: PurePosixPath) -> None:
        """Put a complete file into the inbox and tell of it."""
        try:
            ref = await self._place.store.put_file(self._key(path), local)
        except HelixNetError as error:
            raise asyncssh.SFTPFailure(str(error)) from error
        await self._place.dropped(ref)

    async def _find(self, path: PurePosixPath) -> ObjectRef | None:
        try:
            return await self._place.store.find(self._key(path))
        except HelixNetError as error:
            raise asyncssh.SFTPNoSuchFile(str(error)) from error

    async def _require_folder(self, path: PurePosixPath) -> None:
        if not await self._is_folder(path):
            raise asyncssh.SFTPNoSuchFile(f"no such folder: /{path}")

    async def _is_folder(self, path: PurePosixPath) -> bool:
        return path in await self._folders() or self._aside(path).is_dir()

    async def _folders(self) -> set[PurePosixPath]:
        """Name the folders that the tenant's flows look into, with those above them."""
        tenant = self._place.tenant
        flows = await self._place.ledger.read(lambda conn: list_flows(conn, tenant=tenant))
        named = {PurePosixPath(_literal(flow.match)) for flow in flows}
        return {PurePosixPath(), *named, *(above for path in named for above in path.parents)}

    def _aside(self, path: PurePosixPath) -> Path:
        return self._place.aside.joinpath(*path.parts)

    def _fresh(self) -> Path:
        return self._place.scratch / uuid4().hex

    def _key(self, path: PurePosixPath) -> str:
        return f"inbox/{self._place.tenant}/{path}"


def _deny() -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("not allowed here")


def _inside(path: bytes) -> PurePosixPath:
    """Resolve a path within the made-up tree: ``..`` at the top stays at the top."""
    try:
        text = path.decode()
    except UnicodeDecodeError as error:
        raise asyncssh.SFTPNoSuchFile("names are UTF-8 here") from error
    kept: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del kept[-1:]
        elif "\0" in part or len(part.encode()) > NAME_BYTES:
            raise asyncssh.SFTPNoSuchFile("not a usable name")
        elif part not in {"", "."}:
            kept.append(part)
    return PurePosixPath(*kept)


def _literal(match: str) -> str:
    """Return the folder in which every file that a flow takes lies."""
    parts = match.split("/")[:-1]
    wild = next((n for n, part in enumerate(parts) if _WILD & set(part)), len(parts))
    return "/".join(parts[:wild])


def _upload(file_obj: object) -> _Upload:
    if not isinstance(file_obj, _Upload):
        raise asyncssh.SFTPInvalidHandle("no such upload")
    return file_obj


def _file(size: int) -> SFTPAttrs:
    return SFTPAttrs(permissions=stat.S_IFREG | 0o600, size=size, uid=0, gid=0)
