"""Who did what, when: rows are added and never changed (triggers hold that in the database)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from helixnet.ledger.dialect import clock, rfc3339
from helixnet.ledger.tables import audit

_RECORD = insert(audit).values(at=clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did.

    Args:
        id: for keyset pages.
        time: RFC 3339, UTC.
        action: such as ``job.cancel``, ``context.publish``, ``access.denied``.
        subject: what it was done to, such as a job id.
    """

    id: int
    time: str
    tenant: str
    actor: str
    action: str
    subject: str
    data: dict[str, Any]


def record(
    conn: Connection,
    *,
    tenant: str,
    actor: str,
    action: str,
    subject: str = "",
    data: Mapping[str, object] | None = None,
) -> None:
    """Add a row in the transaction of the thing itself."""
    row = {"tenant": tenant, "actor": actor, "action": action, "subject": subject}
    conn.execute(_RECORD, {**row, "data": dict(data or {})})


def entries(  # noqa: PLR0913 - every filter of a list is a keyword of its own
    conn: Connection,
    *,
    tenant: str | None,
    actor: str = "",
    action: str = "",
    subject: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Return entries, newest first; the next page starts before the last one's id.

    Args:
        conn: to read from.
        tenant: None for all tenants (an admin without tenant).
        actor: who did it; empty for all.
        action: whole, or a prefix that ends with a dot.
        subject: what it was done to; empty for all.
        before: id of the last entry of the page before.
        limit: entries a page.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if tenant is not None:
        query = query.where(audit.c.tenant == tenant)
    if actor:
        query = query.where(audit.c.actor == actor)
    if subject:
        query = query.where(audit.c.subject == subject)
    if action.endswith("."):
        query = query.where(audit.c.action.startswith(action, autoescape=True))
    elif action:
        query = query.where(audit.c.action == action)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [
        AuditEntry(
            id=row["id"],
            time=rfc3339(row["at"]),
            tenant=row["tenant"],
            actor=row["actor"],
            action=row["action"],
            subject=row["subject"],
            data=row["data"] or {},
        )
        for row in conn.execute(query).mappings()
    ]
