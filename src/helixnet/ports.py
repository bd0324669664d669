"""The ports: what the stages need of the world, and what every adapter promises.

An adapter never inherits from a port. One contract suite a port (``tests/contract``) holds all of
its adapters to these sentences.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from helixnet.events import Event, Topic

A = TypeVar("A")
R = TypeVar("R")
T = TypeVar("T")
UNFINISHED: Final = ("*.tmp", "*.part", "*.filepart", ".*")


def is_unfinished(name: str) -> bool:
    """Whether a sender still writes a file of this name, to rename it when it is whole."""
    return any(fnmatchcase(name, pattern) for pattern in UNFINISHED)


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One stored object, exactly: the version makes it immutable.

    Args:
        key: path within the store, ``/`` between segments, never absolute, never ``..``.
        version: opaque; the same (key, version) always reads the same bytes.
        size: bytes.
        sha256: hexadecimal; empty when the store does not know it yet.
    """

    key: str
    version: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class StoreTraits:
    """How stores differ where that decides what is best done with them.

    Args:
        whole: an object appears whole and at once, and a version that was replaced can still be
            read and taken; else a drop counts when it has lain unchanged for a while.
        costly: each operation is a request to a server: few that do much are better than many.
        door: what its inbox is called in metrics and jobs, ``folder`` or ``bucket``.
    """

    whole: bool
    costly: bool
    door: str


class ObjectStore(Protocol):
    """Files by key. What was put is durable when the call returns."""

    @property
    def traits(self) -> StoreTraits:
        """What it is like."""
        ...

    async def put_file(self, key: str, path: Path) -> ObjectRef:
        """Move the local file ``path`` into the store under ``key``; readers see all or nothing.

        Raises:
            UnavailableError: the store can't be reached or is full; ``path`` is still there.
        """
        ...

    async def put_bytes(self, key: str, data: bytes, *, durable: bool = True) -> ObjectRef:
        """Store ``data`` under ``key``, as :meth:`put_file` does.

        Not ``durable`` is for a copy of what the ledger holds: a power cut may take it.
        """
        ...

    def local(
        self, ref: ObjectRef, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[tuple[Path, int]]:
        """Lend a local file that holds at least bytes ``[start, end)`` of the object.

        Returns:
            the path, and the offset in that file at which byte ``start`` of the object stands.

        Raises:
            NotFoundError: there is no such object or version.
            UnavailableError: the store can't be reached.
        """
        ...

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield bytes ``[start, end)`` in blocks of at most 1 MiB; errors as :meth:`local`."""
        ...

    async def find(self, key: str, version: str = "") -> ObjectRef | None:
        """Return the present version of ``key``, or the one that is named; None without."""
        ...

    def list(self, prefix: str, *, replaced: bool = False) -> AsyncIterator[ObjectRef]:
        """Yield the present objects below ``prefix`` in order of key.

        With ``replaced`` also versions that were overwritten or hidden since, the oldest of a key
        first: who stored them was told that they are safe.
        """
        ...

    async def take(self, ref: ObjectRef, key: str) -> ObjectRef | None:
        """Move a drop to ``key``: None when it is gone or changed meanwhile.

        All who take one drop give the same key, which the ledger has settled; afterwards it stands
        there once, whoever came first.
        """
        ...

    async def remove(self, refs: Sequence[ObjectRef]) -> None:
        """Remove exactly these versions; what is gone or changed meanwhile is no error."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object in all its versions; not being there is no error."""
        ...


class Bus(Protocol):
    """Events after their transaction. At least once, in no promised order; ``seq`` tells order."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Return once every event is durable.

        Raises:
            UnavailableError: some may not be; the caller sends all again later.
        """
        ...

    def subscribe(self, topic: Topic, group: str) -> AsyncIterator[Sequence[Event]]:
        """Yield batches of at most 200 new events for ``group``, each batch committed at the next.

        What was yielded but not followed by another step comes again after a restart. What can't
        be decoded never appears: it goes to ``helix.dead``.
        """
        ...

    def span(
        self, topic: str, first: int, last: int, partition: int = 0
    ) -> AsyncIterator[tuple[int, Event]]:
        """Yield (position, event) from ``first`` to ``last``, both included, then end.

        Positions are offsets where the bus has them; what is not there, or not decodable, is left
        out. Never moves a group.

        Raises:
            NotFoundError: there is no such topic or partition.
        """
        ...

    async def lag(self) -> Mapping[tuple[str, str], int]:
        """Return by (topic, group) how many events this process's subscriptions have yet to read.

        Raises:
            UnavailableError: the bus does not answer.
        """
        ...

    async def ensure(self, topics: Sequence[str]) -> None:
        """Make the topics that are not there, by their rule; those that are stay as they are.

        Raises:
            ConflictError: the bus can't have a topic of that name.
            UnavailableError: the bus does not answer.
        """
        ...


class Ledger(Protocol):
    """The one source of truth: runs synchronous functions of a connection in transactions."""

    async def do(self, unit: Callable[[Connection], T]) -> T:
        """Run ``unit`` in one transaction; return its value once the transaction is durable.

        Units of one process may share a transaction, each in a savepoint: ``unit`` must touch
        nothing but its connection, and may run again after a serialization failure.

        Raises:
            UnavailableError: the database can't be reached; nothing was written.
        """
        ...

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """Run ``unit`` against a consistent snapshot, without write access."""
        ...

    async def changed(self, after: int, seconds: float, topic: str = "") -> int:
        """Wait until the process's count of commits exceeds ``after`` or ``seconds`` pass.

        With ``topic`` only commits that told something on it end the wait; the count stays one.
        """
        ...

    def outgoing(self, most: int) -> Sequence[tuple[int, Event]]:
        """Take the oldest events that this process's own commits told and that must be published.

        Each comes once, with the id to mark it by, in order of commit; none where the ledger is
        the bus. What found no room, or was taken but never marked, is left to a sweeper.
        """
        ...

    @property
    def crowded(self) -> bool:
        """Whether much is outgoing, so that who can wait with telling more should."""
        ...

    async def close(self) -> None:
        """Finish what was asked, then let the database go."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """An item that a worker did not finish.

    Args:
        reason: traceback or cause of death, for operators.
        begun: False when the worker died before this item's turn: it counts as no attempt.
    """

    reason: str
    begun: bool


class Workers(Protocol):
    """Processes that do the computing, so that what waits on the network never waits on it."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def free(self) -> int:
        """How many have nothing to do now."""
        ...

    async def run(
        self, function: Callable[[A, Callable[[], None]], R], items: Sequence[A]
    ) -> Sequence[R | Ended]:
        """Apply a module-level ``function`` to each item in turn, in one worker.

        ``function`` gets the item and a callable to be called while it makes progress; one that
        raises, dies or makes no progress for long ends that item alone, and a dead worker is
        replaced. Items and results travel pickled.

        Raises:
            UnavailableError: no worker can be started.
        """
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for.

    Args:
        subject: stable id (``sub``).
        name: for people and the audit.
        tenant: from the token only; empty for an admin without tenant.
        roles: of viewer, operator, designer, admin.
        expires: UNIX seconds.
    """

    subject: str
    name: str
    tenant: str
    roles: frozenset[str]
    expires: int


class IdentityProvider(Protocol):
    """Issues tokens for the password form and gives the keys that verify them."""

    @property
    def issuer(self) -> str:
        """The ``iss`` that tokens must carry, exactly."""
        ...

    async def discovery(self) -> Mapping[str, object]:
        """Return the provider's metadata (OpenID Connect Discovery 1.0, section 3).

        Raises:
            UnavailableError: the provider can't be reached.
        """
        ...

    async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
        """Return the JSON Web Key Set (RFC 7517), cached unless ``refresh``.

        Raises:
            UnavailableError: the provider can't be reached, and no key is cached or ``refresh``
                asks for those of now.
        """
        ...

    async def password(self, username: str, password: str) -> Mapping[str, object]:
        """Exchange a password for a token response (RFC 6749, 5.1).

        Raises:
            UnauthenticatedError: name or password is wrong.
            UnavailableError: the provider can't be reached.
        """
        ...
