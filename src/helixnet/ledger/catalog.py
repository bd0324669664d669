"""What people set up: tenants, flows (which files go to which context), SFTP partners."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from helixnet.errors import ConflictError, NotFoundError, UsageError
from helixnet.ledger.dialect import insert_ignore, replace
from helixnet.ledger.tables import flows, partners, tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Which files of a tenant go to which context.

    Args:
        match: shell pattern over the key below ``inbox/<tenant>/``; ``*`` crosses ``/``.
        context: name of a published context.
        version: pinned; empty takes the newest at the time of arrival.
        keep: what becomes of a finished drop: ``delete``, ``forever``, or a time such as ``30d``.
        inputs: values for the context's ``inputs``.
        retention: seconds by class, where this flow differs: drops, work, results, rejects, events.
    """

    tenant: str
    name: str
    match: str
    context: str
    version: str = ""
    keep: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retention: Mapping[str, float] = field(default_factory=dict[str, float])
    created_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Who may drop files by SFTP: the user name, and OpenSSH public keys, one a line each."""

    name: str
    tenant: str
    keys: Sequence[str]
    created_by: str = ""


_FLOW = [c for c in flows.c if c.name != "created"]
_FLOWS = select(*_FLOW).where(flows.c.tenant == bindparam("tenant")).order_by(flows.c.name)
_NAMED_FLOW = select(*_FLOW).where(
    flows.c.tenant == bindparam("tenant"), flows.c.name == bindparam("name")
)
_ALL_FLOWS = select(*_FLOW).order_by(flows.c.tenant, flows.c.name)
_PARTNER = [c for c in partners.c if c.name != "created"]
_PARTNERS = select(*_PARTNER).order_by(partners.c.name)
_NAME_LENGTH = 63  # of a DNS label, so that a name fits everywhere
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def _checked(kind: str, name: str) -> str:
    """Names stand in keys, topics and URLs, so they are plain."""
    if not 1 <= len(name) <= _NAME_LENGTH or not set(name) <= _NAME or name[0] in "-_":
        raise UsageError(
            f"{kind} name {name[:80]!r} is not usable",
            hint="lower-case letters, digits, - and _; at most 63; the first a letter or digit",
        )
    return name


def add_tenant(conn: Connection, name: str) -> bool:
    """Create a tenant; False when it is there already."""
    statement = insert_ignore(conn, tenants, "created", returning="name")
    return conn.execute(statement, {"name": _checked("tenant", name)}).first() is not None


def list_tenants(conn: Connection) -> list[str]:
    """Return the names of all tenants."""
    return list(conn.execute(select(tenants.c.name).order_by(tenants.c.name)).scalars())


def add_flow(conn: Connection, flow: Flow) -> None:
    """Create a flow, and its tenant with it.

    Raises:
        ConflictError: the tenant has a flow of that name.
        UsageError: a name is not usable.
    """
    add_tenant(conn, flow.tenant)
    _checked("flow", flow.name)
    row = {**asdict(flow), "inputs": dict(flow.inputs), "retention": dict(flow.retention)}
    statement = insert_ignore(conn, flows, "created", returning="name")
    if conn.execute(statement, row).first() is None:
        raise ConflictError(f"flow {flow.name} is there already", hint="remove it first")


def replace_flow(conn: Connection, flow: Flow) -> None:
    """Create a flow or take the place of the one with that name."""
    add_tenant(conn, flow.tenant)
    _checked("flow", flow.name)
    row = {**asdict(flow), "inputs": dict(flow.inputs), "retention": dict(flow.retention)}
    conn.execute(replace(conn, flows, "created"), row)


def list_flows(conn: Connection, *, tenant: str | None = None) -> list[Flow]:
    """Return the flows of a tenant, or of all, by name."""
    query = _ALL_FLOWS if tenant is None else _FLOWS
    given = {} if tenant is None else {"tenant": tenant}
    return [Flow(**row) for row in conn.execute(query, given).mappings()]


def get_flow(conn: Connection, *, tenant: str, name: str) -> Flow:
    """Return a flow.

    Raises:
        NotFoundError: this tenant has none of that name.
    """
    row = conn.execute(_NAMED_FLOW, {"tenant": tenant, "name": name}).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no flow {name}")
    return Flow(**row)


def remove_flow(conn: Connection, *, tenant: str, name: str) -> None:
    """Remove a flow; its jobs stay.

    Raises:
        NotFoundError: this tenant has none of that name.
    """
    gone = delete(flows).where(flows.c.tenant == tenant, flows.c.name == name)
    if conn.execute(gone).rowcount == 0:
        raise NotFoundError(f"there is no flow {name}")


def match_flow(conn: Connection, *, tenant: str, path: str) -> Flow | None:
    """Return the flow for a drop at ``path`` below the tenant's inbox.

    Of several that match, the one with the most literal characters wins, then the first by name.
    """
    fitting = [f for f in list_flows(conn, tenant=tenant) if fnmatchcase(path, f.match)]
    return min(fitting, key=lambda f: (-_literal(f.match), f.name), default=None)


def _literal(pattern: str) -> int:
    return sum(character not in "*?[]" for character in pattern)


def add_partner(conn: Connection, partner: Partner) -> None:
    """Create an SFTP partner; the name is one for all tenants.

    Raises:
        ConflictError: the name is taken.
        UsageError: a name is not usable, or there is no key.
    """
    if not partner.keys:
        raise UsageError(f"partner {partner.name} needs a public key")
    add_tenant(conn, partner.tenant)
    row = {**asdict(partner), "keys": list(partner.keys), "name": _checked("partner", partner.name)}
    statement = insert_ignore(conn, partners, "created", returning="name")
    if conn.execute(statement, row).first() is None:
        raise ConflictError(f"partner {partner.name} is there already", hint="remove it first")


def list_partners(conn: Connection, *, tenant: str | None = None) -> list[Partner]:
    """Return the SFTP partners of a tenant, or of all."""
    rows = [Partner(**row) for row in conn.execute(_PARTNERS).mappings()]
    return [partner for partner in rows if tenant is None or partner.tenant == tenant]


def find_partner(conn: Connection, name: str) -> Partner | None:
    """Return the partner who logs in as ``name``."""
    row = conn.execute(select(*_PARTNER).where(partners.c.name == name)).mappings().first()
    return None if row is None else Partner(**row)


def remove_partner(conn: Connection, *, tenant: str, name: str) -> None:
    """Remove a partner.

    Raises:
        NotFoundError: this tenant has none of that name.
    """
    gone = delete(partners).where(partners.c.tenant == tenant, partners.c.name == name)
    if conn.execute(gone).rowcount == 0:
        raise NotFoundError(f"there is no partner {name}")
