"""Bundles at hand: the zips of contexts by hash, as ledger or store hold them."""

from collections import OrderedDict
from typing import Final

from helixnet.errors import UnavailableError
from helixnet.ledger.contexts import find_bundle
from helixnet.ports import Ledger, ObjectStore

MOST_BYTES: Final = 64 << 20


class Bundles:
    """Reads each bundle once while it is in use; what was not asked for longest goes first.

    Args:
        ledger: knows which bundles a tenant has, and holds the small ones.
        store: holds the others.
    """

    def __init__(self, *, ledger: Ledger, store: ObjectStore) -> None:
        self._ledger = ledger
        self._store = store
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def get(self, tenant: str, hash_: str) -> bytes:
        """Return the zip of a bundle.

        Raises:
            NotFoundError: the tenant has none with that hash.
            UnavailableError: the store or ledger can't be reached.
        """
        name = (tenant, hash_)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        found = await self._ledger.read(lambda conn: find_bundle(conn, tenant=tenant, hash_=hash_))
        content = found.content
        if content is None:
            content = await self._fetch(found.key)
        self._kept[name] = content
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > MOST_BYTES:
            self._kept.popitem(last=False)
        return content

    async def _fetch(self, key: str) -> bytes:
        ref = await self._store.find(key)
        if ref is None:
            raise UnavailableError(f"the store has lost {key}")
        return b"".join([block async for block in self._store.read(ref)])
