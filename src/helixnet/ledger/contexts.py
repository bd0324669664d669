"""Published contexts: immutable versions of bundles that are stored by their content's hash."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, bindparam, select

from helixnet.errors import ConflictError, NotFoundError
from helixnet.ledger.dialect import insert_ignore, rfc3339
from helixnet.ledger.tables import bundles, contexts


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBundle:
    """A bundle's zip: inline in ``content``, or in the store at ``key``."""

    tenant: str
    hash: str
    entry: str = ""
    content: bytes | None = None
    key: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version of a context."""

    tenant: str
    name: str
    version: str
    hash: str
    created_by: str
    created: str


_BUNDLE = [c for c in bundles.c if c.name != "created"]
_ROW = [c for c in contexts.c if c.name != "id"]
_FIND = select(*_BUNDLE).where(
    bundles.c.tenant == bindparam("tenant"), bundles.c.hash == bindparam("hash")
)
_NAMED = (
    select(*_ROW)
    .where(contexts.c.tenant == bindparam("tenant"), contexts.c.name == bindparam("name"))
    .order_by(contexts.c.id.desc())
)


def keep_bundle(conn: Connection, bundle: StoredBundle) -> None:
    """Store a bundle under its hash; the same one again changes nothing."""
    row = {name: getattr(bundle, name) for name in StoredBundle.__slots__}
    conn.execute(insert_ignore(conn, bundles, "created", returning="hash"), row)


def find_bundle(conn: Connection, *, tenant: str, hash_: str) -> StoredBundle:
    """Return a stored bundle.

    Raises:
        NotFoundError: this tenant has none with that hash.
    """
    row = conn.execute(_FIND, {"tenant": tenant, "hash": hash_}).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no context with hash {hash_}")
    return StoredBundle(**row)


def publish(
    conn: Connection, bundle: StoredBundle, *, name: str, version: str, by: str = ""
) -> Published:
    """Publish a bundle as a version of a context; the same one again is no error.

    Raises:
        ConflictError: that version was published with other content: versions never change.
    """
    keep_bundle(conn, bundle)
    row = {"tenant": bundle.tenant, "name": name, "version": version}
    made = insert_ignore(conn, contexts, "created", returning="id")
    conn.execute(made, {**row, "hash": bundle.hash, "created_by": by})
    known = get_context(conn, tenant=bundle.tenant, name=name, version=version)
    if known.hash != bundle.hash:
        raise ConflictError(
            f"{name} {version} was published with other content ({known.hash})",
            hint="raise `version` in the context",
        )
    return known


def _published(row: RowMapping) -> Published:
    return Published(**{**row, "created": rfc3339(row["created"])})


def versions(conn: Connection, *, tenant: str, name: str) -> list[Published]:
    """Return the versions of a context, the last published first.

    Raises:
        NotFoundError: this tenant has no context of that name.
    """
    found = conn.execute(_NAMED, {"tenant": tenant, "name": name}).mappings()
    rows = [_published(row) for row in found]
    if not rows:
        raise NotFoundError(f"there is no context {name}")
    return rows


def get_context(conn: Connection, *, tenant: str, name: str, version: str = "") -> Published:
    """Return a version of a context; without ``version`` the last published.

    Raises:
        NotFoundError: this tenant has no such context or version.
    """
    known = versions(conn, tenant=tenant, name=name)
    if not version:
        return known[0]
    for published in known:
        if published.version == version:
            return published
    raise NotFoundError(
        f"there is no version {version} of {name}", hint=f"the last one is {known[0].version}"
    )


def list_contexts(conn: Connection, *, tenant: str | None) -> list[Published]:
    """Return all versions of all contexts by name, the last published first."""
    query = select(*_ROW).order_by(contexts.c.tenant, contexts.c.name, contexts.c.id.desc())
    if tenant is not None:
        query = query.where(contexts.c.tenant == tenant)
    return [_published(row) for row in conn.execute(query).mappings()]


def differ(conn: Connection, *, tenant: str, name: str, one: str, other: str) -> tuple[str, str]:
    """Return the hashes of two versions: equal hashes are equal content.

    Raises:
        NotFoundError: there is no such context or version.
    """
    first = get_context(conn, tenant=tenant, name=name, version=one)
    second = get_context(conn, tenant=tenant, name=name, version=other)
    return first.hash, second.hash
