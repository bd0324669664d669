"""SFTP front: partners log in by key and drop files; there is no shell, command or forwarding."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncssh
import structlog
from asyncssh import SSHKey, SSHServer, SSHServerChannel, SSHServerConnection

from helixnet.adapters.sftp_drops import Dropped, Drops, Place
from helixnet.errors import UsageError
from helixnet.ledger.catalog import find_partner
from helixnet.ports import Ledger, ObjectStore

HOST_KEY: Final = "sftp_host_key"
LOGIN_SECONDS: Final = 30
log = structlog.get_logger()


class SftpFront:
    """Listens for partners.

    Args:
        ledger: knows partners, their keys, and the flows of their tenants.
        store: where drops go.
        keys: folder that keeps the host key.
        scratch: local folder on the store's file system.
        aside: local folder there for uploads that have no final name yet; it outlives the process.
        dropped: told of every complete file.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ObjectStore,
        keys: Path,
        scratch: Path,
        aside: Path,
        dropped: Dropped,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._keys = keys
        self._scratch = scratch
        self._aside = aside
        self._dropped = dropped
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the door; returns the port.

        Raises:
            UsageError: the port is taken, or the host key can't be used.
        """
        try:
            self._acceptor = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: _Door(self._ledger),
                server_host_keys=[_host_key(self._keys / HOST_KEY)],
                sftp_factory=self._session,
                allow_scp=False,
                agent_forwarding=False,
                x11_forwarding=False,
                login_timeout=LOGIN_SECONDS,
            )
        except (OSError, asyncssh.KeyImportError) as error:
            raise UsageError(
                f"SFTP can't listen on port {port}: {error}",
                hint="another --sftp-port, 0 for a free one, or --sftp=false",
            ) from error
        return self._acceptor.get_port()

    async def close(self) -> None:
        """Close the door and end the sessions; half an upload is no drop."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    def _session(self, channel: SSHServerChannel[bytes]) -> Drops:
        partner = str(channel.get_extra_info("username"))
        door = channel.get_connection().get_owner()
        if not isinstance(door, _Door):
            raise asyncssh.SFTPPermissionDenied("not a partner")
        place = Place(
            tenant=door.tenant,
            aside=self._aside / partner,
            scratch=self._scratch,
            ledger=self._ledger,
            store=self._store,
            dropped=self._dropped,
            lost=lambda: door.lost,
        )
        return Drops(channel, place)


class _Door(SSHServer):
    """One connection: who it is, decided by public key alone."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.tenant = ""
        self.lost = False

    def connection_made(self, conn: SSHServerConnection) -> None:
        """Note where it comes from."""
        self._peer = conn.get_extra_info("peername")

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember that what is still open was broken off."""
        del exc
        self.lost = True

    async def begin_auth(self, username: str) -> bool:
        """Ask everybody for a key."""
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        """Take keys only."""
        return True

    async def validate_public_key(self, username: str, key: SSHKey) -> bool:
        """Let in who is known by this name with this key."""
        partner = await self._ledger.read(lambda conn: find_partner(conn, username))
        known = partner is not None and _matches(key, partner.keys)
        if partner is not None and known:
            self.tenant = partner.tenant
        log.info("sftp login", partner=username, allowed=known, peer=str(self._peer))
        return known


def _matches(key: SSHKey, known: Sequence[str]) -> bool:
    for text in known:
        try:
            if asyncssh.import_public_key(text).public_data == key.public_data:
                return True
        except asyncssh.KeyImportError:
            continue
    return False


def _new_key() -> bytes:
    key: SSHKey = asyncssh.generate_private_key("ssh-ed25519")  # pyright: ignore[reportUnknownMemberType] - its options are not typed
    return key.export_private_key()


def _host_key(path: Path) -> SSHKey:
    """Read the host key, made once, so that partners always meet the same server."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(_new_key())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    return asyncssh.read_private_key(path)
