"""Care for a data folder of the embedded shape: migrate, back up, restore, check, clean, rotate.

Everything but ``upgrade`` and ``restore`` may be done while a server runs on the folder.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from helixnet.adapters import identity_local, ledger_file
from helixnet.errors import ConflictError, UnavailableError, UsageError
from helixnet.ledger import retention

LEDGER: Final = "ledger.db"
FOLDERS: Final = ("inbox", "work", "results", "contexts")
FILES: Final = ("helixnet.toml", "keys.json", "sftp_host_key")


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

    The ledger is copied first: every object that it speaks of was durable before its row, and
    objects never change, so the copy is whole although work goes on. Objects are linked where the
    file system can, else copied.

    Returns:
        how many files there are in the copy.

    Raises:
        UsageError: ``data`` has no ledger.
        ConflictError: ``target`` has files.
        UnavailableError: there is no room.
    """
    if target.exists() and any(target.iterdir()):
        raise ConflictError(f"{target} is not empty", hint="name a new folder")
    ledger_file.backup(data / LEDGER, target)
    try:
        return 1 + sum(_keep(data / name, target / name) for name in _names(data))
    except OSError as error:
        raise UnavailableError(f"{target} can't be written: {error.strerror}") from error


def restore(source: Path, data: Path) -> None:
    """Put a backup in the place of ``data``; the ledger that stood there stays beside it.

    Raises:
        UsageError: ``source`` is no whole backup.
        ConflictError: a server runs on the folder.
    """
    ledger_file.restore(source / LEDGER, data / LEDGER)
    try:
        for name in _names(source):
            _keep(source / name, data / name, link=False)
    except OSError as error:
        raise UnavailableError(f"{data} can't be written: {error.strerror}") from error


def check(data: Path) -> list[str]:
    """Return what is wrong with the ledger; nothing when it is sound."""
    if not (data / LEDGER).is_file():
        raise UsageError(f"there is no ledger {data / LEDGER}")
    return ledger_file.check(data / LEDGER)


def clean(data: Path, age: str, *, dry_run: bool) -> dict[str, int]:
    """Remove what ended longer ago than ``age``; open work is never touched.

    A running server deletes the files concerned at its next round, else the next start does.

    Returns:
        how many of each class were (or would be) removed.
    """
    seconds = retention.seconds_of(age)
    if not (data / LEDGER).is_file():
        raise UsageError(f"there is no ledger {data / LEDGER}")
    engine = ledger_file.connect(data / LEDGER, "BEGIN IMMEDIATE")
    classes: list[str] = list(retention.CLASSES)
    total, ages = dict.fromkeys(classes, 0), dict.fromkeys(classes, seconds)
    try:
        while True:
            with engine.begin() as conn:
                found = retention.clean(conn, ages, dry_run=dry_run, limit=_limit(dry_run=dry_run))
            total = {name: total[name] + found.rows[name] for name in total}
            if dry_run or not any(found.rows.values()):
                return total
    finally:
        engine.dispose()


def rotate_keys(data: Path) -> str:
    """Sign from now on with a new key; return its id. Tokens of the old one stay valid."""
    if not data.is_dir():
        raise UsageError(f"there is no data folder {data}")
    return identity_local.rotate_keys(data, now=time.time())[0].kid


def demo_users() -> list[dict[str, str]]:
    """List the users that a loopback-bound embedded server knows; password = name."""
    return [
        {"user": user.name, "tenant": user.tenant, "roles": " ".join(user.roles)}
        for user in identity_local.DEMO_USERS
    ]


def _limit(*, dry_run: bool) -> int:
    return 1_000_000_000 if dry_run else 500


def _names(folder: Path) -> Iterator[str]:
    return (name for name in (*FOLDERS, *FILES) if (folder / name).exists())


def _keep(source: Path, target: Path, *, link: bool = True) -> int:
    """Copy a file, or all below a folder that is not on its way; return how many files."""
    if source.is_dir():
        return sum(_keep(child, target / child.name, link=link) for child in source.iterdir())
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return 0
    try:
        if link and source.suffix != ".toml":
            os.link(source, target)
            return 1
    except OSError:
        pass  # another file system, or one without links
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        return 0  # retention was faster; the ledger's copy says so too or the job was done with
    return 1
