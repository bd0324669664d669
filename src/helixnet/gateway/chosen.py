"""The context that maps a run, as requests and the ledger name it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from helixnet.ledger.contexts import get_context


@dataclass(frozen=True, slots=True)
class Chosen:
    """The context of a run: what the ledger keeps of it.

    Args:
        topics: that it delivers to, by the names it gives them; none where they are not asked for.
    """

    hash: str
    name: str
    version: str
    topics: tuple[str, ...] = ()


def published(conn: Connection, tenant: str, reference: str) -> Chosen:
    """Find a published context by ``name`` or ``name@version``.

    Raises:
        NotFoundError: this tenant has no such context or version.
    """
    name, _, version = reference.partition("@")
    row = get_context(conn, tenant=tenant, name=name, version=version)
    return Chosen(row.hash, row.name, row.version)
