"""What partners may do by SFTP, and what nobody may."""

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import pytest

from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.adapters.sftp_drops import Drops
from helixnet.adapters.sftp_front import HOST_KEY, SftpFront
from helixnet.adapters.store_folder import FolderStore
from helixnet.ledger.catalog import Flow, Partner, add_flow, add_partner
from helixnet.ports import ObjectRef

pytestmark = pytest.mark.contract


class Connecting(Protocol):
    """What `asyncssh.connect` gives: a connection to await or to enter."""

    def __await__(self) -> Generator[Any, Any, asyncssh.SSHClientConnection]: ...

    async def __aenter__(self) -> asyncssh.SSHClientConnection: ...

    async def __aexit__(self, *error: object) -> bool | None: ...


@dataclass
class Server:
    """An open door to a store and a ledger, and what came in by it."""

    folder: Path
    ledger: LedgerSqlite
    store: FolderStore
    port: int = 0
    drops: list[ObjectRef] = field(default_factory=list)
    keys: dict[str, asyncssh.SSHKey] = field(default_factory=dict)

    async def dropped(self, ref: ObjectRef) -> None:
        self.drops.append(ref)

    async def partner(self, name: str, tenant: str) -> None:
        key = self.keys[name] = asyncssh.generate_private_key("ssh-ed25519")
        public = key.export_public_key().decode()
        found = Partner(name=name, tenant=tenant, keys=[public])
        await self.ledger.do(lambda conn: add_partner(conn, found))

    def connect(self, name: str, key: asyncssh.SSHKey | None = None) -> Connecting:
        return asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=name,
            client_keys=[key or self.keys[name]],
            known_hosts=None,
            config=None,
        )

    def inbox(self) -> dict[str, bytes]:
        root = self.folder / "inbox"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    folder = tmp_path / "data"
    store = FolderStore(folder)
    ledger = await asyncio.to_thread(open_ledger, folder / "ledger.db")
    running = Server(folder, ledger, store)
    front = SftpFront(
        ledger=ledger,
        store=store,
        keys=folder,
        scratch=store.scratch,
        aside=store.scratch / "sftp",
        dropped=running.dropped,
    )
    running.port = await front.listen("127.0.0.1", 0)
    for tenant in ("acme", "globex"):
        await running.partner(f"{tenant}-erp", tenant)
        flow = Flow(tenant=tenant, name="orders", match="in/orders/*.csv", context="c")
        await ledger.do(lambda conn, flow=flow: add_flow(conn, flow))
    yield running
    await front.close()
    await ledger.close()
    await store.close()


def scraps(server: Server) -> list[Path]:
    return [path for path in (server.folder / "tmp").rglob("*") if path.is_file()]


async def test_a_file_appears_when_it_is_closed(server: Server) -> None:
    async with server.connect("acme-erp") as conn, conn.start_sftp_client() as sftp:
        assert sorted(await sftp.listdir("/")) == [".", "..", "in"]
        await sftp.chdir("in/orders")
        async with sftp.open("a.csv", "wb") as upload:
            await upload.write(b"x" * 300_000)
            assert server.inbox() == {}
        assert server.inbox() == {"acme/in/orders/a.csv": b"x" * 300_000}
        assert [ref.key for ref in server.drops] == ["inbox/acme/in/orders/a.csv"]
        assert (await sftp.stat("a.csv")).size == 300_000
        assert "a.csv" in await sftp.listdir(".")


async def test_an_unfinished_name_waits_for_its_rename(server: Server) -> None:
    async with server.connect("acme-erp") as conn, conn.start_sftp_client() as sftp:
        async with sftp.open("in/orders/b.csv.part", "wb") as upload:
            await upload.write(b"data")
        assert (server.inbox(), server.drops) == ({}, [])
        assert "b.csv.part" in await sftp.listdir("in/orders")
        await sftp.rename("in/orders/b.csv.part", "in/orders/b.csv")
        assert server.inbox() == {"acme/in/orders/b.csv": b"data"}
        assert len(server.drops) == 1
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.stat("in/orders/b.csv.part")
    assert scraps(server) == []


async def test_half_an_upload_is_no_drop(server: Server) -> None:
    """A partner whose line breaks has sent nothing, and leaves nothing lying about."""
    conn = await server.connect("acme-erp")
    sftp = await conn.start_sftp_client()
    upload = await sftp.open("in/orders/c.csv", "wb")
    await upload.write(b"half")
    conn.abort()
    await conn.wait_closed()
    for _ in range(500):
        await asyncio.sleep(0.02 if scraps(server) else 0)
    assert scraps(server) == []
    assert (server.inbox(), server.drops) == ({}, [])


async def test_an_interrupted_part_can_be_resumed(server: Server) -> None:
    conn = await server.connect("acme-erp")
    sftp = await conn.start_sftp_client()
    upload = await sftp.open("in/orders/d.part", "wb")
    await upload.write(b"first ")
    conn.abort()
    await conn.wait_closed()
    async with server.connect("acme-erp") as again, again.start_sftp_client() as sftp:
        assert (await sftp.stat("in/orders/d.part")).size == 6
        async with sftp.open("in/orders/d.part", "r+b") as upload:
            await upload.write(b"second", 6)
        await sftp.rename("in/orders/d.part", "in/orders/d.csv")
    assert server.inbox() == {"acme/in/orders/d.csv": b"first second"}


async def test_a_wrong_key_or_name_is_refused(server: Server) -> None:
    for name, key in [
        ("acme-erp", server.keys["globex-erp"]),
        ("nobody", server.keys["acme-erp"]),
        ("root", asyncssh.generate_private_key("ssh-ed25519")),
    ]:
        with pytest.raises(asyncssh.PermissionDenied):
            await server.connect(name, key)


async def test_a_password_is_not_asked_for(server: Server) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            "127.0.0.1",
            server.port,
            username="acme-erp",
            password="acme-erp",
            client_keys=None,
            known_hosts=None,
            config=None,
        )


@pytest.mark.parametrize(
    "path",
    ["../globex/in/orders/x.csv", "/../../x.csv", "../../../etc/x.csv", "in/orders/../../../x"],
)
async def test_no_path_leaves_the_tenants_inbox(server: Server, path: str) -> None:
    async with server.connect("acme-erp") as conn, conn.start_sftp_client() as sftp:
        try:
            async with sftp.open(path, "wb") as upload:
                await upload.write(b"x")
        except asyncssh.SFTPError:
            pass
    assert all(name.startswith("acme/") for name in server.inbox())
    outside = [p for p in server.folder.parent.rglob("x*") if p.is_file()]
    assert all(server.folder / "inbox" / "acme" in path.parents for path in outside)


async def test_tenants_do_not_see_each_other(server: Server) -> None:
    async with server.connect("acme-erp") as conn, conn.start_sftp_client() as sftp:
        async with sftp.open("in/orders/mine.csv", "wb") as upload:
            await upload.write(b"x")
        async with sftp.open("in/orders/mine.part", "wb") as upload:
            await upload.write(b"x")
    async with server.connect("globex-erp") as conn, conn.start_sftp_client() as sftp:
        assert sorted(await sftp.listdir("in/orders")) == [".", ".."]
        assert sorted(await sftp.listdir("/..")) == [".", "..", "in"]


async def test_nothing_can_be_fetched_linked_or_deleted(server: Server) -> None:
    (server.folder / "inbox" / "acme" / "in" / "orders").mkdir(parents=True)
    link = server.folder / "inbox" / "acme" / "in" / "orders" / "link"
    link.symlink_to("/etc/passwd")
    async with server.connect("acme-erp") as conn, conn.start_sftp_client() as sftp:
        async with sftp.open("in/orders/e.csv", "wb") as upload:
            await upload.write(b"x")
        for attempt in (
            sftp.open("in/orders/e.csv", "rb"),
            sftp.open("in/orders/link", "rb"),
            sftp.open("/etc/passwd", "rb"),
            sftp.symlink("/etc/passwd", "in/orders/new"),
            sftp.link("in/orders/e.csv", "in/orders/new"),
            sftp.readlink("in/orders/link"),
            sftp.remove("in/orders/e.csv"),
            sftp.rmdir("in/orders"),
            sftp.statvfs("/"),
        ):
            with pytest.raises(asyncssh.SFTPError):
                await attempt
        assert "link" not in await sftp.listdir("in/orders")
    assert server.inbox()["acme/in/orders/e.csv"] == b"x"


def test_every_operation_that_reaches_files_is_our_own() -> None:
    """What asyncssh's server would do to the real file system is overridden or refused."""
    refused = {"open56", "rmdir", "readlink", "symlink", "link", "statvfs"}  # by map_path
    unsupported = {"lock", "unlock", "fstatvfs"}  # on an upload they fail
    harmless = {"channel", "connection", "env", "logger", "convert_attrs", "exit"}
    harmless |= {"format_user", "format_group", "format_longname", "reverse_map_path"}
    names = {name for name, _ in inspect.getmembers(asyncssh.SFTPServer) if name[0] != "_"}
    assert names - set(vars(Drops)) == refused | unsupported | harmless


async def test_there_is_no_shell_and_no_forwarding(server: Server) -> None:
    async with server.connect("acme-erp") as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.open_connection("127.0.0.1", server.port)
        with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ChannelListenError)):
            await conn.forward_remote_port("127.0.0.1", 0, "127.0.0.1", server.port)
        for command in ("id", None):
            with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ProcessError)):
                await conn.run(command, check=True, input="", timeout=10)


async def test_the_host_key_stays(server: Server) -> None:
    path = server.folder / HOST_KEY
    assert path.stat().st_mode & 0o077 == 0
    before = path.read_bytes()
    again = SftpFront(
        ledger=server.ledger,
        store=server.store,
        keys=server.folder,
        scratch=server.store.scratch,
        aside=server.store.scratch / "sftp",
        dropped=server.dropped,
    )
    await again.listen("127.0.0.1", 0)
    await again.close()
    assert path.read_bytes() == before


@pytest.mark.skipif(shutil.which("sftp") is None, reason="no OpenSSH client here")
async def test_the_openssh_client_works(server: Server, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(0o600)
    server.keys["acme-erp"].write_private_key(key)
    (tmp_path / "o.csv").write_bytes(b"one")
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"]
    command = ["sftp", "-q", "-b", "-", "-F", "/dev/null", "-P", str(server.port), "-i", str(key)]
    for option in options:
        command += ["-o", option]
    process = await asyncio.create_subprocess_exec(
        *command,
        "acme-erp@127.0.0.1",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    lines = b"cd in/orders\nput -p o.csv\nput o.csv p.part\nrename p.part p.csv\nls -l\nmkdir q\n"
    said, _ = await asyncio.wait_for(process.communicate(lines), 60)
    assert process.returncode == 0, said
    assert server.inbox() == {"acme/in/orders/o.csv": b"one", "acme/in/orders/p.csv": b"one"}
