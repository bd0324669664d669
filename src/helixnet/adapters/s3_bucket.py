"""One bucket and the requests made of it: few connections, bounded in time, tried again, counted.

miniopy-async alone would hold ten connections, retry whatever fails five times, wait for five
minutes, and let aiohttp unpack what was stored packed.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from miniopy_async.api import Minio

from helixnet.adapters.s3_errors import APPLY, FAULTS, lacks_bucket, passes, refuses_key, told
from helixnet.adapters.store_address import Address
from helixnet.adapters.store_keys import Count
from helixnet.errors import UnavailableError, UsageError

CONNECTIONS: Final = 100
CONNECT_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
FIRST_WAIT: Final = 0.1
T = TypeVar("T")


class Bucket:
    """A bucket whose every request goes through :meth:`call`.

    Args:
        address: of it.
        access_key: of its user.
        secret_key: of the same.
        patience: seconds that a server may be silent within one request.
        count: told the kind of each request: put, get, copy, delete, list or head.
    """

    def __init__(
        self,
        address: Address,
        access_key: str,
        secret_key: str,
        *,
        patience: float,
        count: Count,
    ) -> None:
        self.address = address
        self.name = address.bucket
        self.count = count
        self.patience = patience
        self._keys = (access_key, secret_key)
        self._client: Minio | None = None
        self._checking = asyncio.Lock()
        self._checked = False

    @property
    def client(self) -> Minio:
        """The client library's face, on a session of ours; made by the first who asks."""
        if self._client is None:
            timeout = ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=self.patience)
            session = ClientSession(
                connector=TCPConnector(limit=CONNECTIONS),
                timeout=timeout,
                headers={"Accept-Encoding": "identity"},  # what was stored packed is read packed
                auto_decompress=False,
            )
            access_key, secret_key = self._keys
            self._client = Minio(
                self.address.endpoint,
                access_key,
                secret_key,
                secure=self.address.secure,
                region=self.address.region,
                session=session,
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close_session()
            self._client = None

    async def call(
        self,
        operation: str,
        what: str,
        request: Callable[[Minio], Awaitable[T]],
        *,
        attempts: int = ATTEMPTS,
        version: str = "",
        bounded: bool = True,
    ) -> T:
        """Make a request; what fails for a moment is tried again, within a second altogether.

        Args:
            operation: kind of it, for the count.
            what: it is about, for messages.
            request: of the client; made anew for each attempt.
            attempts: 1 where twice is not the same as once.
            version: that is asked for.
            bounded: False when it is several requests, each bounded by the server's silence alone.

        Raises:
            NotFoundError: there is no such object or version.
            UnavailableError: the server can't be reached, or does not serve.
            UsageError: the server can't keep an object of that name.
        """
        await self.ready()
        for attempt in range(1, attempts + 1):
            self.count(operation)
            try:
                async with asyncio.timeout(self.patience if bounded else None):
                    return await request(self.client)
            except FAULTS as error:
                if attempt == attempts or not passes(error):
                    raise told(error, what, version=version) from error
            await self.pause(attempt)
        raise UnavailableError(what)

    async def pause(self, attempt: int) -> None:
        """Wait a little before another attempt; not all who failed together at the same time."""
        await asyncio.sleep(FIRST_WAIT * 4 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def ready(self) -> None:
        """See once that the bucket is one to keep files in; a server that was down is asked later.

        Raises:
            UnavailableError: it is not, or not yet.
        """
        if self._checked:
            return
        async with self._checking:
            try:
                await self.check()
            except UsageError as error:
                raise UnavailableError(str(error), hint=error.hint) from error

    async def check(self) -> None:
        """See that the bucket is there and keeps versions.

        Raises:
            UsageError: it is not, or does not, or the access key is refused.
            UnavailableError: the server can't be reached.
        """
        if self._checked:
            return
        try:
            async with asyncio.timeout(self.patience):
                versioning = await self.client.get_bucket_versioning(self.name)
        except FAULTS as error:
            if lacks_bucket(error):
                text = f"there is no {self.address}"
                raise UsageError(text, hint=APPLY) from error
            if refuses_key(error):
                refusal = told(error, str(self.address))
                raise UsageError(str(refusal), hint=refusal.hint) from error
            raise told(error, str(self.address)) from error
        if versioning.status != "Enabled":
            raise UsageError(
                f"{self.address} keeps no versions (versioning is {versioning.status}), "
                "so that a file that is overwritten while it is read would be lost",
                hint=APPLY,
            )
        self._checked = True
