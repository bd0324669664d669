"""Uploads become jobs: those that arrive while a transaction is on its way share the next one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from helixnet.errors import UnavailableError
from helixnet.gateway.chosen import Chosen, published
from helixnet.ledger import scope
from helixnet.ledger.arrivals import Accepted, Arrival, accept
from helixnet.ledger.catalog import Flow, get_flow
from helixnet.ledger.contexts import StoredBundle, keep_bundle
from helixnet.ports import Ledger

TOGETHER: Final = 64


@dataclass(frozen=True, slots=True)
class Context:
    """What maps the file, before the ledger has been asked about names: one of three.

    Args:
        flow: that knows the context.
        reference: of a published one, ``name`` or ``name@version``.
        bundle: that came with the file; with ``chosen``, which names it.
    """

    flow: str = ""
    reference: str = ""
    bundle: StoredBundle | None = None
    chosen: Chosen | None = None

    @property
    def identity(self) -> str:
        """What makes a repeated request the same one."""
        return self.chosen.hash if self.chosen else f"{self.flow}/{self.reference}"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is where the ledger's row will say that it is."""

    arrival: Arrival
    context: Context


Answer = tuple[Accepted, Chosen]
Waiting = tuple[Upload, "asyncio.Future[Answer]"]


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Makes jobs of uploads, one transaction at a time for each tenant that a request may touch."""

    ledger: Ledger
    _waiting: dict[str, list[Waiting]] = field(default_factory=dict[str, list[Waiting]])
    _going: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    async def accept(self, upload: Upload) -> Answer:
        """Return once the job is durable; who leaves meanwhile does not stop it.

        Raises:
            HelixNetError: as :func:`helixnet.ledger.arrivals.accept` does, for this upload alone.
            UnavailableError: whether the job was made is not known.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        limit = scope.present()
        if limit in self._waiting:
            self._waiting[limit].append((upload, answer))
        else:
            self._waiting[limit] = [(upload, answer)]
            task = asyncio.create_task(self._work(limit))
            self._going.add(task)
            task.add_done_callback(self._going.discard)
        return await answer

    async def _work(self, limit: str) -> None:
        while group := self._waiting[limit][:TOGETHER]:
            del self._waiting[limit][:TOGETHER]
            await self._together(group)
        del self._waiting[limit]

    async def _together(self, group: Sequence[Waiting]) -> None:
        uploads = [upload for upload, _ in group]
        answers: Sequence[Answer | Exception]
        try:
            answers = await self.ledger.do(lambda conn: accept_uploads(conn, uploads))
        except Exception as error:  # noqa: BLE001 - each request answers for itself
            if len(group) > 1 and not isinstance(error, UnavailableError):
                for one in group:  # whose fault it is shows then
                    await self._together([one])
                return
            answers = [error] * len(group)
        for (_, waiting), answer in zip(group, answers, strict=True):
            _settle(waiting, answer)


def _settle(waiting: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if waiting.done():
        return  # who asked has left
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)


def accept_uploads(conn: Connection, uploads: Sequence[Upload]) -> list[Answer]:
    """Make the jobs of some uploads; each context is asked for once.

    Raises:
        NotFoundError: a flow or context is not there.
    """
    known: dict[tuple[str, str], tuple[Chosen, Flow | None]] = {}
    chosen: list[Chosen] = []
    ready: list[Arrival] = []
    for upload in uploads:
        arrival = upload.arrival
        name = (arrival.tenant, upload.context.identity)
        if name not in known:
            known[name] = _resolved(conn, arrival.tenant, upload.context)
        context, flow = known[name]
        chosen.append(context)
        ready.append(
            replace(
                arrival,
                flow=flow.name if flow else "",
                inputs={**(flow.inputs if flow else {}), **arrival.inputs},
                context_hash=context.hash,
                context_name=context.name,
                context_version=context.version,
            )
        )
    return list(zip(accept(conn, ready), chosen, strict=True))


def _resolved(conn: Connection, tenant: str, context: Context) -> tuple[Chosen, Flow | None]:
    """Name the bundle: kept in this transaction, or published before."""
    if context.bundle is not None and context.chosen is not None:
        keep_bundle(conn, context.bundle)
        return context.chosen, None
    if not context.flow:
        return published(conn, tenant, context.reference), None
    flow = get_flow(conn, tenant=tenant, name=context.flow)
    reference = f"{flow.context}@{flow.version}" if flow.version else flow.context
    return published(conn, tenant, reference), flow
