"""What every object store promises; each adapter is one parameter."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from helixnet.adapters.store_folder import FolderStore
from helixnet.adapters.store_s3 import S3Store
from helixnet.errors import NotFoundError, UnavailableError, UsageError
from helixnet.ports import ObjectRef, ObjectStore
from tests import buckets
from tests.buckets import Minio

pytestmark = pytest.mark.contract
NAMES = (
    *("a b+c%20.csv", "ümlaut é 漢字 🎈.csv", "%2e%2e", "q?x&y=#z;", "quote'\"<>.csv", " ", "~"),
    *("tab\t.csv", "line\nfeed", "cr\rx", "bell\x07", "\ufffe", "back\\slash", "x" * 255, "a:b*|"),
)


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    with buckets.running(tmp_path_factory.mktemp("minio")) as running:
        yield running


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.stack)])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[FolderStore | S3Store]:
    if request.param == "folder":
        opened = FolderStore(tmp_path / "store")
    else:
        minio: Minio = request.getfixturevalue("minio")
        opened = await minio.store(tmp_path / "scratch")
    yield opened
    await opened.close()


async def content(
    store: ObjectStore, ref: ObjectRef, start: int = 0, end: int | None = None
) -> bytes:
    return b"".join([block async for block in store.read(ref, start, end)])


async def test_what_was_put_is_read_back(store: ObjectStore) -> None:
    ref = await store.put_bytes("results/t/j/1/result.ndjson", b"one\ntwo\n")
    assert (ref.key, ref.size) == ("results/t/j/1/result.ndjson", 8)
    assert await content(store, ref) == b"one\ntwo\n"
    assert await content(store, ref, 4, 7) == b"two"
    assert await content(store, ref, 4, 99) == b"two\n"
    assert await store.find(ref.key) == ref


async def test_a_file_is_moved_in(store: ObjectStore, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.write_bytes(b"x" * 3_000_000)
    ref = await store.put_file("work/t/j/a b ü.csv", fresh)
    assert not fresh.exists()
    blocks = [block async for block in store.read(ref)]
    assert max(map(len, blocks)) <= 1 << 20
    assert b"".join(blocks) == b"x" * 3_000_000


async def test_a_range_is_lent_as_a_local_file(store: ObjectStore) -> None:
    ref = await store.put_bytes("work/t/j/f", b"0123456789")
    async with store.local(ref, 3, 6) as (path, offset):
        assert path.read_bytes()[offset : offset + 3] == b"345"


async def test_a_version_never_reads_other_bytes(store: ObjectStore) -> None:
    """Who holds an old version reads its bytes, or learns that it is gone; never the new one's."""
    old = await store.put_bytes("work/t/j/f", b"old")
    new = await store.put_bytes("work/t/j/f", b"newer")
    assert await content(store, new) == b"newer"
    assert await store.find(new.key, new.version) == new
    if store.traits.whole:
        assert await content(store, old) == b"old"
        assert await store.find(old.key, old.version) == old
        return
    assert await store.find(old.key, old.version) is None
    with pytest.raises(NotFoundError):
        await content(store, old)
    with pytest.raises(NotFoundError):
        async with store.local(old):
            pass


async def test_what_is_not_there_is_told(store: ObjectStore) -> None:
    assert await store.find("work/none") is None
    assert await store.find("work/none/below") is None
    with pytest.raises(NotFoundError):
        await content(store, ObjectRef("work/none", "v", 1))
    await store.delete("work/none")


async def test_a_list_is_in_order_of_key(store: ObjectStore) -> None:
    for name in ("b", "a/z", "a/b", "c"):
        await store.put_bytes(f"inbox/t/{name}", b"")
    keys = [ref.key async for ref in store.list("inbox/t/")]
    assert keys == ["inbox/t/a/b", "inbox/t/a/z", "inbox/t/b", "inbox/t/c"]
    assert [ref.key async for ref in store.list("inbox/t/a")] == ["inbox/t/a/b", "inbox/t/a/z"]
    assert [ref.key async for ref in store.list("inbox/nobody/")] == []


async def test_a_drop_is_taken_once(store: ObjectStore) -> None:
    """Whoever takes it, and however many at once, it stands at the one key and no longer here."""
    drop = await store.put_bytes("inbox/t/f/x.csv", b"data")
    won = await asyncio.gather(*(store.take(drop, "work/t/j/x.csv") for _ in range(8)))
    assert any(won)
    taken = await store.find("work/t/j/x.csv")
    assert taken is not None
    assert await content(store, taken) == b"data"
    assert await store.find(drop.key) is None
    assert [ref.key async for ref in store.list("inbox/")] == []
    assert await store.take(drop, "work/t/j/x.csv") is None


async def test_a_changed_drop_is_not_taken_for_another(store: ObjectStore) -> None:
    """The version that was asked for, or none; the newer one stays where it is."""
    drop = await store.put_bytes("inbox/t/f/x.csv", b"data")
    newer = await store.put_bytes("inbox/t/f/x.csv", b"atad")
    taken = await store.take(drop, "work/t/j/x.csv")
    if store.traits.whole:
        assert taken is not None
        assert await content(store, taken) == b"data"
    else:
        assert taken is None
    assert await store.find("inbox/t/f/x.csv") == newer
    assert [ref async for ref in store.list("inbox/", replaced=True)] == [newer]


async def test_exactly_what_was_named_is_removed(store: ObjectStore) -> None:
    gone = [await store.put_bytes(f"inbox/t/{n}.csv", b"1") for n in range(3)]
    older = await store.put_bytes("inbox/t/x.csv", b"1")
    newer = await store.put_bytes("inbox/t/x.csv", b"22")
    never = ObjectRef("inbox/t/none.csv", older.version, 1)
    await store.remove([*gone, older, never])
    await store.remove([older])
    await store.remove([])
    assert [ref async for ref in store.list("inbox/", replaced=True)] == [newer]


async def test_nothing_of_an_object_is_no_bytes(store: ObjectStore) -> None:
    """An empty file, and the empty part of one that is not, are read as any other."""
    empty = await store.put_bytes("work/t/j/empty", b"")
    some = await store.put_bytes("work/t/j/some", b"123")
    assert await content(store, empty) == b""
    assert await content(store, some, 2, 2) == b""
    async with store.local(empty) as (path, offset):
        assert (path.read_bytes(), offset) == (b"", 0)
    with pytest.raises(NotFoundError):
        await content(store, ObjectRef("work/t/j/none", some.version, 3), 2, 2)


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_that_a_partner_gives_is_kept(store: ObjectStore, name: str) -> None:
    """Put, found, listed, taken, removed and deleted, and never mistaken for another."""
    key = f"inbox/t/in/{name}"
    drop = await store.put_bytes(key, b"data")
    assert await store.find(key) == drop
    assert [ref async for ref in store.list("inbox/t/in/")] == [drop]
    assert await content(store, drop) == b"data"
    taken = await store.take(drop, f"work/t/j/{name}")
    assert taken is not None
    assert await content(store, taken) == b"data"
    again = [await store.put_bytes(key, b"1"), await store.put_bytes(f"{key[:-1]}!", b"2")]
    await store.remove(again)
    assert [ref async for ref in store.list("inbox/", replaced=True)] == []
    await store.delete(taken.key)
    assert await store.find(taken.key) is None


async def test_the_same_bytes_dropped_again_are_another_version(store: ObjectStore) -> None:
    first = await store.put_bytes("inbox/t/f/x.csv", b"data")
    await store.take(first, "work/t/j1/x.csv")
    second = await store.put_bytes("inbox/t/f/x.csv", b"data")
    assert second.version != first.version
    assert await store.take(second, "work/t/j2/x.csv") is not None


async def test_deleted_is_gone(store: ObjectStore) -> None:
    """In all its versions, and without what only begins with the same name."""
    for text in (b"{}", b"[]"):
        ref = await store.put_bytes("results/t/j/1/manifest.json", text)
    other = await store.put_bytes("results/t/j/1/manifest.json.old", b"{}")
    await store.delete(ref.key)
    assert await store.find(ref.key) is None
    assert [kept async for kept in store.list("results/", replaced=True)] == [other]


@pytest.mark.parametrize(
    "key",
    ["../x", "/etc/passwd", "work/../../x", "work//x", "", ".", "work/.", "work/a\0b", "ledger.db"],
)
async def test_no_key_leads_out(store: ObjectStore, key: str) -> None:
    with pytest.raises(UsageError):
        await store.put_bytes(key, b"x")
    with pytest.raises(UsageError):
        await store.find(key)
    with pytest.raises(UsageError):
        await store.delete(key)


async def test_operations_are_counted(
    request: pytest.FixtureRequest, tmp_path: Path, store: ObjectStore
) -> None:
    """By kind, as the metric shows them."""
    told: list[str] = []
    if isinstance(store, S3Store):
        minio: Minio = request.getfixturevalue("minio")
        counted = await minio.store(tmp_path / "s", count=told.append)
    else:
        counted = FolderStore(tmp_path / "counted", count=told.append)
    ref = await counted.put_bytes("inbox/t/x", b"data")
    assert [block async for block in counted.read(ref)] == [b"data"]
    assert [found async for found in counted.list("inbox/")] == [ref]
    assert told == ["put", "get", "list"]
    await counted.take(ref, "work/t/x")
    await counted.delete("work/t/x")
    assert {"copy", "delete"} <= set(told) <= {"put", "get", "copy", "delete", "list", "head"}
    await counted.close()


class TestFolder:
    """What only a folder can do wrong."""

    async def test_links_and_pipes_are_no_objects(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        folder = tmp_path / "inbox" / "t"
        folder.mkdir()
        (tmp_path / "secret").write_text("s")
        (folder / "link").symlink_to(tmp_path / "secret")
        (folder / "folder").symlink_to("/etc")
        os.mkfifo(folder / "pipe")
        assert [ref.key async for ref in store.list("inbox/")] == []
        with pytest.raises(UsageError):
            await store.find("inbox/t/link")
        with pytest.raises(UsageError):
            await store.find("inbox/t/folder/passwd")
        assert await store.find("inbox/t/pipe") is None
        await store.close()

    @pytest.mark.parametrize("moment", ["fsync", "rename"])
    async def test_a_drop_put_in_its_place_while_it_is_taken_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        """A partner renames the next file over the one that is being taken, at the worst time."""
        store = FolderStore(tmp_path)
        drop = await store.put_bytes("inbox/t/x.csv", b"first")
        (tmp_path / "inbox/t/.x").write_bytes(b"second")
        calls = {"fsync": os.fsync, "rename": os.rename}

        def late(*arguments: Any) -> None:
            monkeypatch.undo()
            (tmp_path / "inbox/t/.x").rename(tmp_path / "inbox/t/x.csv")
            calls[moment](*arguments)

        monkeypatch.setattr(os, moment, late)
        assert await store.take(drop, "work/t/j/x.csv") is None
        newer = await store.find("inbox/t/x.csv")
        assert newer is not None
        assert await content(store, newer) == b"second"
        assert await store.find("work/t/j/x.csv") is None
        await store.close()

    async def test_nothing_half_written_is_left(self, tmp_path: Path) -> None:
        """A put that can't be placed leaves neither an object nor a scrap."""
        store = FolderStore(tmp_path)
        (tmp_path / "work" / "t").write_bytes(b"a file where a folder is needed")
        with pytest.raises(UnavailableError):
            await store.put_bytes("work/t/x", b"data")
        assert list((tmp_path / "tmp").iterdir()) == []
        await store.close()

    async def test_a_file_that_could_not_be_placed_is_still_there(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        (tmp_path / "work" / "t").write_bytes(b"")
        fresh = tmp_path / "tmp" / "fresh"
        fresh.write_bytes(b"data")
        with pytest.raises(UnavailableError):
            await store.put_file("work/t/x", fresh)
        assert fresh.read_bytes() == b"data"
        await store.close()

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(UnavailableError):
            FolderStore(tmp_path / "file" / "data")
