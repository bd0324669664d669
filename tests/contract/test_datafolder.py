"""Backups of a data folder: every file is in the copy once, where its ledger looks for it."""

import asyncio
from pathlib import Path

import pytest

from helixnet import datafolder
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.adapters.store_folder import object_of
from helixnet.errors import UsageError
from helixnet.ledger.arrivals import Arrival, accept, new_job

pytestmark = pytest.mark.contract
KEY = "inbox/demo/orders/o.csv"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one file that was just dropped."""
    folder = tmp_path / "data"
    datafolder.upgrade(folder)
    (folder / KEY).parent.mkdir(parents=True)
    (folder / KEY).write_bytes(b"content")
    return folder


def version(path: Path) -> str:
    found = object_of(KEY, path)
    assert found is not None
    return found.version


def accepted(data: Path) -> str:
    """Accept the drop as a server does that dies before it has taken it; return the work key."""
    job = new_job()
    arrival = Arrival(
        tenant="demo",
        name="o.csv",
        size=7,
        job=job,
        key=f"work/demo/{job}/o.csv",
        origin_key=KEY,
        origin_version=version(data / KEY),
    )

    async def accept_it() -> None:
        ledger = open_ledger(data / "ledger.db")
        await ledger.do(lambda conn: accept(conn, [arrival]))
        await ledger.close()

    asyncio.run(accept_it())
    return arrival.key


def test_a_drop_stays_the_same_drop(data: Path, tmp_path: Path) -> None:
    """Being backed up must not make a file look like a new one to the server."""
    before = version(data / KEY)
    datafolder.backup(data, tmp_path / "copy")
    assert version(data / KEY) == before
    assert (tmp_path / "copy" / KEY).read_bytes() == b"content"


def test_an_accepted_drop_is_no_drop_of_the_copy(data: Path, tmp_path: Path) -> None:
    """It stands where its job looks for it; in the inbox it would become a second job."""
    key = accepted(data)
    copy = tmp_path / "copy"
    datafolder.backup(data, copy)
    assert (copy / key).read_bytes() == b"content"
    assert not (copy / KEY).exists()
    assert (data / KEY).exists()


def test_a_restored_folder_has_keys_and_files(data: Path, tmp_path: Path) -> None:
    kid = datafolder.rotate_keys(data)
    work = data / "work" / "demo" / "j" / "big.csv"
    work.parent.mkdir(parents=True)
    work.write_bytes(b"big")
    count = datafolder.backup(data, tmp_path / "copy")
    back = tmp_path / "back"
    datafolder.restore(tmp_path / "copy", back)
    found = {path.relative_to(back).as_posix() for path in back.rglob("*") if path.is_file()}
    assert {KEY, "ledger.db", "identity/keys.json", "work/demo/j/big.csv"} <= found
    assert count == 4
    assert kid in (back / "identity" / "keys.json").read_text("ascii")
    assert (back / "identity" / "keys.json").stat().st_mode & 0o077 == 0
    assert datafolder.check(back) == []


def test_a_copy_goes_to_an_empty_place_only(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "file", tmp_path):
        with pytest.raises(UsageError, match="not empty"):
            datafolder.backup(data, target)
    with pytest.raises(UsageError, match="no ledger"):
        datafolder.backup(tmp_path / "nothing", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_backup_without_a_ledger_is_none(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no ledger"):
        datafolder.restore(tmp_path, data)
    (tmp_path / "ledger.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(UsageError, match="damaged"):
        datafolder.restore(tmp_path, data)
    assert datafolder.check(data) == []


def test_keys_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data folder"):
        datafolder.rotate_keys(tmp_path / "nothing")
