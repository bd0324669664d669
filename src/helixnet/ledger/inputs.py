"""A tenant's values for ``inputs``: kept by name, and copied to each run that is accepted.

A run keeps all of them, declared by its context or not, so that running it again gives the same
bytes whatever the tenant has then, and with another context those which that one declares.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from helixnet.errors import UsageError
from helixnet.ledger.catalog import add_tenant
from helixnet.ledger.dialect import replace
from helixnet.ledger.json_text import pack
from helixnet.ledger.tables import tenant_inputs

MOST_VALUES: Final = 100
MOST_CHARACTERS: Final = 16_384  # of all values as JSON: each run has a copy

_OF_TENANTS = select(tenant_inputs.c.tenant, tenant_inputs.c.name, tenant_inputs.c.value).where(
    tenant_inputs.c.tenant.in_(bindparam("tenants", expanding=True))
)
_GONE = delete(tenant_inputs).where(
    tenant_inputs.c.tenant == bindparam("of_tenant"), tenant_inputs.c.name == bindparam("named")
)


def inputs_of_tenants(conn: Connection, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the values of some tenants by name; a tenant that has none is left out."""
    found: dict[str, dict[str, Any]] = {}
    if names:
        for row in conn.execute(_OF_TENANTS, {"tenants": sorted(names)}):
            found.setdefault(row.tenant, {})[row.name] = row.value
    return found


def tenant_values(conn: Connection, tenant: str) -> dict[str, Any]:
    """Return a tenant's values, in the order of their names."""
    return dict(sorted(inputs_of_tenants(conn, {tenant}).get(tenant, {}).items()))


def change_inputs(
    conn: Connection, *, tenant: str, values: Mapping[str, object], by: str = ""
) -> dict[str, Any]:
    """Set some of a tenant's values; one that is None is taken away, the others stay.

    Returns:
        what changed: the new values under ``set``, names under ``removed``.

    Raises:
        UsageError: a name or value can't be one, or they are too many; nothing is changed then.
    """
    before = tenant_values(conn, tenant)
    new = {n: v for n, v in values.items() if v is not None and not _same(before.get(n), v)}
    gone = [name for name, value in values.items() if value is None and name in before]
    for name, value in new.items():
        _require_usable(name, value)
    after = {name: value for name, value in before.items() if name not in gone} | new
    if len(after) > MOST_VALUES or len(pack(after)) > MOST_CHARACTERS:
        text = f"a tenant has at most {MOST_VALUES} values, of {MOST_CHARACTERS} characters in all"
        raise UsageError(text, hint="keep tables in lookups")
    if new:
        add_tenant(conn, tenant)
        rows = [_row(tenant, name, value, by) for name, value in new.items()]
        conn.execute(replace(conn, tenant_inputs, "changed"), rows)
    if gone:
        conn.execute(_GONE, [{"of_tenant": tenant, "named": name} for name in gone])
    return {"set": new, "removed": gone}


def _same(old: object, new: object) -> bool:
    """Whether they are one JSON value: 1 is neither true nor 1.0."""
    return type(old) is type(new) and pack(old) == pack(new)


def _row(tenant: str, name: str, value: object, by: str) -> dict[str, Any]:
    return {"tenant": tenant, "name": name, "value": value, "changed_by": by}


def _require_usable(name: str, value: object) -> None:
    if not (name.isascii() and name.isidentifier()) or name.startswith("_"):
        raise UsageError(
            f"no context can declare an input {name[:80]!r}",
            hint="a letter, then letters, digits and _",
        )
    if not isinstance(value, str | bool | int | Decimal):
        raise UsageError(
            f"the value of {name} is no text, number, true or false",
            hint="null takes a value away; a date is text such as 2026-11-27",
        )


def given(own: Mapping[str, object], of_tenant: Mapping[str, object]) -> dict[str, Any] | None:
    """Return what a run keeps of who gave which value; None where the tenant gave none."""
    return {"own": dict(own), "tenant": dict(of_tenant)} if of_tenant else None


def sides(row: RowMapping) -> dict[str, Any]:
    """Return a run's row with the values of flow and job as ``inputs`` and ``tenant_inputs``.

    From its start on, the row's own ``inputs`` are those that are used, of whomever.
    """
    kept: dict[str, Any] = row["given"] or {"own": row["inputs"], "tenant": {}}
    rest = {name: value for name, value in row.items() if name != "given"}
    return rest | {"inputs": kept["own"], "tenant_inputs": kept["tenant"]}
