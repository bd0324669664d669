"""Care for a data folder of the embedded shape: migrate, back up, restore, check, clean, rotate.

Everything but ``upgrade`` and ``restore`` may be done while a server runs on the folder.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from helixnet.adapters import identity_local, ledger_file
from helixnet.adapters.store_folder import FolderStore, object_of
from helixnet.errors import HelixNetError, UnavailableError, UsageError
from helixnet.ledger import retention, tables

LEDGER: Final = "ledger.db"
INBOX: Final = "inbox"
IDENTITY: Final = "identity"  # the signing keys of the local issuer
KEPT: Final = ("work", "results", "contexts", IDENTITY, "helixnet.toml", "sftp_host_key")
LINKED: Final = frozenset({"work", "results", "contexts"})  # whose objects never change


def upgrade(data: Path) -> Path:
    """Create or migrate the ledger of ``data``; return its path. A copy is made before.

    Raises:
        UsageError: it is damaged or of a newer version.
        ConflictError: a server runs on the folder.
    """
    release = ledger_file.lock(data)
    try:
        ledger_file.prepare(data / LEDGER)
    finally:
        release()
    return data / LEDGER


def backup(data: Path, target: Path) -> int:
    """Copy ledger, files, keys and settings into the empty folder ``target``.

    The inbox is copied first, so that no drop is missed that is accepted meanwhile; then the
    ledger: every object that it speaks of was durable before its row, and objects never change,
    so the copy is whole although work goes on. Objects are linked where the file system can.

    Returns:
        how many files there are in the copy.

    Raises:
        UsageError: ``data`` has no ledger, or ``target`` has files.
        UnavailableError: there is no room.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty", hint="name a new folder")
    if not (data / LEDGER).is_file():
        raise UsageError(f"there is no ledger {data / LEDGER}", hint="--data FOLDER")
    try:
        drops = _keep_drops(data, target)
        ledger_file.backup(data / LEDGER, target)
        kept = sum(_keep(data / name, target / name, link=name in LINKED) for name in KEPT)
        _settle_drops(target, drops)
    except OSError as error:
        raise UnavailableError(f"{target} can't be written: {error.strerror}") from error
    return 1 + len(drops) + kept


def restore(source: Path, data: Path) -> None:
    """Put a backup in the place of ``data``; the ledger that stood there stays beside it.

    Raises:
        UsageError: ``source`` is no whole backup.
        ConflictError: a server runs on the folder.
        UnavailableError: there is no room.
    """
    ledger_file.restore(source / LEDGER, data / LEDGER)
    try:
        for name in (INBOX, *KEPT):
            _keep(source / name, data / name, link=False)
    except OSError as error:
        raise UnavailableError(f"{data} can't be written: {error.strerror}") from error


def check(data: Path) -> list[str]:
    """Return what is wrong with the ledger; nothing when it is sound."""
    if not (data / LEDGER).is_file():
        raise UsageError(f"there is no ledger {data / LEDGER}", hint="--data FOLDER")
    return ledger_file.check(data / LEDGER)


def clean(data: Path, age: str, *, jobs: bool = False, dry_run: bool) -> dict[str, int]:
    """Remove what ended longer ago than ``age``, with its files; open work is never touched.

    Args:
        data: the folder.
        age: such as ``90d``.
        jobs: remove the jobs too; else they stay, and say what is gone.
        dry_run: only tell.

    Returns:
        how many of each class were (or would be) removed.

    Raises:
        UsageError: there is no ledger, or ``age`` is none.
        UnavailableError: the ledger or a file can't be written now; call again.
    """
    seconds = retention.seconds_of(age)
    if not (data / LEDGER).is_file():
        raise UsageError(f"there is no ledger {data / LEDGER}", hint="--data FOLDER")
    engine = ledger_file.connect(data / LEDGER, "BEGIN IMMEDIATE")
    try:
        ages = {name: seconds for name in retention.CLASSES if jobs or name != "jobs"}
        total = _forget(engine, dict[str, float](ages), dry_run=dry_run)
        if not dry_run:
            asyncio.run(_delete(engine, data))
    except HelixNetError:
        raise
    except Exception as error:
        raise ledger_file.translated(error, data / LEDGER) from error
    finally:
        engine.dispose()
    return total


def rotate_keys(data: Path) -> str:
    """Sign from now on with a new key; return its id. Tokens of the old one stay valid."""
    if not data.is_dir():
        raise UsageError(f"there is no data folder {data}", hint="--data FOLDER")
    try:
        return identity_local.rotate_keys(data / IDENTITY, now=time.time())[0].kid
    except OSError as error:
        raise UsageError(f"{data / IDENTITY} can't be written: {error.strerror}") from error


def demo_users() -> list[dict[str, str]]:
    """List the users that a loopback-bound embedded server knows; password = name."""
    return [
        {"user": user.name, "tenant": user.tenant, "roles": " ".join(user.roles)}
        for user in identity_local.DEMO_USERS
    ]


def _forget(engine: Engine, ages: dict[str, float], *, dry_run: bool) -> dict[str, int]:
    """Forget rows in short transactions, so that a server that works beside waits for none."""
    total = dict.fromkeys(ages, 0)
    while True:
        with engine.begin() as conn:
            limit = 1_000_000_000 if dry_run else 500
            found = retention.clean(conn, ages, dry_run=dry_run, limit=limit)
        total = {name: count + found.rows[name] for name, count in total.items()}
        if dry_run or not any(found.rows.values()):
            return total


async def _delete(engine: Engine, data: Path) -> None:
    """Delete the files that no row speaks of any more."""
    store = FolderStore(data)
    try:
        while True:
            with engine.begin() as conn:
                keys = retention.garbage_keys(conn)
            if not keys:
                return
            for key in keys:
                await _remove(store, key)
            with engine.begin() as conn:
                retention.strike(conn, keys)
    finally:
        await store.close()


async def _remove(store: FolderStore, key: str) -> None:
    if not key.endswith("/"):
        await store.delete(key)
        return
    for found in [ref.key async for ref in store.list(key)]:
        await store.delete(found)


def _keep_drops(data: Path, target: Path) -> Sequence[tuple[str, str]]:
    """Copy the inbox; return key and version of each file, as the server knows it.

    Never by links: a link changes a file's ctime, and so makes another drop of it.
    """
    drops: list[tuple[str, str]] = []
    for path in sorted((data / INBOX).rglob("*")):
        key = path.relative_to(data).as_posix()
        found = object_of(key, path)
        if found is not None and _keep(path, target / key, link=False):
            drops.append((key, found.version))
    return drops


def _settle_drops(target: Path, drops: Sequence[tuple[str, str]]) -> None:
    """Move those drops of the copy that its ledger has accepted to where their jobs look."""
    jobs = tables.jobs
    engine = ledger_file.connect(target / LEDGER, "BEGIN")
    try:
        with engine.begin() as conn:
            for key, version in drops:
                same = (jobs.c.origin_key == key, jobs.c.origin_version == version)
                taken = conn.execute(select(jobs.c.key).where(*same)).scalar()
                if taken:
                    (target / taken).parent.mkdir(parents=True, exist_ok=True)
                    (target / key).replace(target / taken)
    finally:
        engine.dispose()


def _keep(source: Path, target: Path, *, link: bool) -> int:
    """Copy a file, or all below a folder that is not on its way; return how many files."""
    if source.is_dir():
        children: Iterator[Path] = source.iterdir()
        return sum(_keep(child, target / child.name, link=link) for child in children)
    if target.exists() or not source.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if link:
            os.link(source, target)
            return 1
    except OSError:
        pass  # another file system, or one without links
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        return 0  # retention was faster; the ledger's copy says so too or the job was done with
    return 1
