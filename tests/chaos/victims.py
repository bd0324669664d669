"""What the nemesis needs of a shape: processes that can be ended, and how they come back."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Victim(Protocol):
    """One process that may be ended at any moment and must be able to come back.

    Attributes:
        name: of the service or server.
        faults: kinds that make sense for it, of :data:`tests.chaos.nemesis.FAULTS`.
        points: crash points that lie on its way.
    """

    name: str
    faults: Sequence[str]
    points: Sequence[str]

    def start(self, *, crash_at: str = "") -> None:
        """Start it and wait until it is ready, or has ended at its crash point."""
        ...

    def kill(self) -> None:
        """End it as a power cut does."""
        ...

    def stop(self) -> int:
        """End it gracefully; return the exit status."""
        ...

    def pause(self) -> None:
        """Let it stand still."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...

    def status(self) -> int | None:
        """Return the exit status, None while it runs."""
        ...

    def children(self) -> list[int]:
        """Return the processes that work for it."""
        ...


class Target(Protocol):
    """A running HelixNet of some shape."""

    @property
    def url(self) -> str:
        """Address of the gateway."""
        ...

    @property
    def victims(self) -> Mapping[str, Victim]:
        """All that the nemesis may touch."""
        ...

    def start(self) -> None:
        """Start everything and wait until it is ready."""
        ...

    def stop(self) -> Mapping[str, int]:
        """End everything gracefully; return the exit statuses by name."""
        ...

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        """Put a file where the flow looks for new ones; raises OSError while that can't be."""
        ...

    def evidence(self) -> dict[str, Any]:
        """Say where the checker finds ledger, store and topics: JSON values only."""
        ...

    def describe(self) -> str:
        """Say where logs are, for a person who looks into a failure."""
        ...
