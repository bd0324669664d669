"""A Postgres database that holds a ledger: how to connect, whether it fits, how it is migrated."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import structlog
from sqlalchemy import URL, Connection, func, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from helixnet.errors import UsageError
from helixnet.ledger import migrate
from helixnet.ledger.dialect import replace
from helixnet.ledger.tables import REVISION, meta

log = structlog.get_logger()
DRIVER: Final = "postgresql+asyncpg"
GATEWAY: Final = "helix_gateway"  # role of those who serve strangers: it is under the policies
POOL: Final = 10  # connections of a process, beside the one that listens
STATEMENTS: Final = 500  # prepared a connection: lists of ids make many variants
CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 30.0
_UPGRADING: Final = 0x48454C58  # advisory lock: one migration at a time
_SERVER: Final = {
    "application_name": "helixnet",
    "idle_in_transaction_session_timeout": "5000",  # a paused process must not hold rows for long
    "jit": "off",  # it costs more than these short statements
}
_BYPASSES: Final = text(
    "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user"
)
# What requests need, and no more: claims, retention and migrations are not the gateway's.
_GRANTS: Final = {
    "SELECT": "meta, alembic_version, rejects",
    "SELECT, INSERT": "tenants, bundles, contexts, audit",
    "SELECT, INSERT, UPDATE": (
        "jobs, runs, parts, deliveries, events, idempotency, dead_letters, replays, errands"
    ),
    "SELECT, INSERT, UPDATE, DELETE": "flows, partners, fixes, tenant_inputs",
}


@dataclass(frozen=True, slots=True)
class Database:
    """Where a ledger is.

    Args:
        url: with the password.
        where: for people, without it.
    """

    url: URL
    where: str

    @classmethod
    def at(cls, url: str, password: str) -> "Database":
        """Read a URL.

        Raises:
            UsageError: it is none of Postgres.
        """
        try:
            found = make_url(url)
        except ArgumentError:
            found = None
        if found is None or found.drivername != DRIVER or not found.database:
            raise UsageError(
                "the ledger's URL can't be used", hint=f"{DRIVER}://user@host:port/database"
            )
        where = found.set(drivername="postgresql", password=None, query={})
        whole = found.set(password=password) if password else found
        return cls(whole, where.render_as_string())

    def engine(self, *, size: int = POOL, seconds: float | None = STATEMENT_SECONDS) -> AsyncEngine:
        """Return a pool of at most ``size`` connections; ``seconds`` bounds each statement."""
        arguments: dict[str, Any] = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": seconds,
            "server_settings": _SERVER,
        }
        if "prepared_statement_cache_size" not in self.url.query:  # 0 suits a pooler between
            arguments["prepared_statement_cache_size"] = STATEMENTS
        return create_async_engine(
            self.url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=STATEMENT_SECONDS,
            pool_use_lifo=True,
            connect_args=arguments,
        )


def require_present(conn: Connection, where: str, *, scoped: bool) -> None:
    """Make sure that the tables are those of this version, and that the role sees them rightly.

    Raises:
        UsageError: they are older or newer, or the role is under the wall but must not be.
    """
    stands = migrate.revision(conn)
    if stands != REVISION:
        raise _other(conn, where, stands)
    bypasses = bool(conn.execute(_BYPASSES).scalar())
    if not scoped and not bypasses:
        raise UsageError(
            f"the role of {where} sees no rows: row-level security holds for it",
            hint="as a superuser: ALTER ROLE … BYPASSRLS, or connect as the tables' owner",
        )
    if scoped and bypasses:
        log.warning("row-level security does not hold for this role", ledger=where)


def _other(conn: Connection, where: str, stands: str) -> UsageError:
    if not stands or stands in migrate.known_revisions():
        what = f"has ledger {stands}" if stands else "has no ledger tables yet"
        return UsageError(f"{where} {what}; needed is {REVISION}", hint="helixnet db upgrade")
    writer = conn.execute(select(meta.c.value).where(meta.c.name == "version")).scalar()
    return UsageError(
        f"{where} was written by HelixNet {writer or 'of another version'} (ledger {stands}); "
        f"this is HelixNet {version('helixnet')} (ledger {REVISION})",
        hint="use that version or a newer one",
    )


def migrate_present(conn: Connection, where: str) -> None:
    """Bring the tables to this version and give the gateway's role its rights.

    Raises:
        UsageError: they are of a newer version.
    """
    conn.execute(select(func.pg_advisory_xact_lock(_UPGRADING)))
    stands = migrate.revision(conn)
    if stands and stands not in migrate.known_revisions():
        raise _other(conn, where, stands)
    if stands != REVISION:
        migrate.upgrade(conn)
    conn.execute(replace(conn, meta), {"name": "version", "value": version("helixnet")})
    known = conn.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": GATEWAY})
    if known.scalar():
        _grant(conn)


def _grant(conn: Connection) -> None:
    schema = inspect(conn).default_schema_name
    for rights, tables in _GRANTS.items():
        conn.execute(text(f"GRANT {rights} ON {tables} TO {GATEWAY}"))
    conn.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {GATEWAY}"))
    conn.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {GATEWAY}"))
