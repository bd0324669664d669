"""Jobs by id: another tenant's looks as if it were not there, and the attempt is written down."""

from sqlalchemy import Connection

from helixnet.errors import NotFoundError
from helixnet.gateway.access import tenant_scope
from helixnet.gateway.options import Gateway
from helixnet.ledger import scope
from helixnet.ledger.audit import record
from helixnet.ledger.queries import JobDetail, job_detail
from helixnet.ports import Identity


async def find_job(services: Gateway, caller: Identity, job_id: str) -> JobDetail:
    """Return a job that the caller may see.

    Raises:
        NotFoundError: there is none for its tenant.
    """
    tenant = tenant_scope(caller)
    try:
        return await services.ledger.read(lambda conn: job_detail(conn, tenant=tenant, job=job_id))
    except NotFoundError:
        if tenant is not None and await _elsewhere(services, job_id):
            await refused(services, caller, f"job/{job_id}")
        raise


async def _elsewhere(services: Gateway, job_id: str) -> bool:
    """Whether it is another tenant's: for the audit only, never for the answer."""
    with scope.lifted():
        return await services.ledger.read(lambda conn: _exists(conn, job_id))


def _exists(conn: Connection, job_id: str) -> bool:
    try:
        job_detail(conn, tenant=None, job=job_id)
    except NotFoundError:
        return False
    return True


async def refused(services: Gateway, caller: Identity, subject: str) -> None:
    """Write down that somebody asked for what is another tenant's."""
    services.metrics.count("helixnet_refused_total", reason="tenant")
    await services.ledger.do(
        lambda conn: record(
            conn,
            tenant=caller.tenant,
            actor=caller.name,
            action="access.denied",
            subject=subject[:500],
        )
    )
