"""Contexts on their way in: from a form, the store or the catalog to a kept, checked bundle."""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from helixnet.engine.context.bundle import Bundle, bundle_from_files, bundle_from_zip
from helixnet.engine.context.model import Context, ContextProblem
from helixnet.engine.context.reader import read_context
from helixnet.engine.examine import check_bundle
from helixnet.errors import ContextError, UsageError
from helixnet.gateway.chosen import Chosen
from helixnet.gateway.forms import Form, content_of
from helixnet.gateway.options import INLINE_BYTES, Gateway
from helixnet.gateway.problems import REFUSED_REQUEST
from helixnet.ledger.contexts import StoredBundle, find_bundle

ZIP: Final = b"PK\x03\x04"
_REMEMBERED: Final = 256


# Bundles that passed, by hash, with their zip while that is small: the content alone decides, so
# one memory for all gateways of a process is right.
_sound: OrderedDict[str, tuple[Chosen, bytes]] = OrderedDict()


async def bundle_of_form(form: Form, *, limit: int) -> Bundle | None:
    """Return the bundle that a form carries, or None.

    It is a zip (field ``bundle``, or the only file sent), or a context file (``context_file``,
    or the first of ``files``) with what it names (``schema_file``, ``attachment``, ``files``).

    Raises:
        ContextError: the files make no bundle.
        TooLargeError: they are over ``limit`` together.
    """
    parts = form.named("bundle", "context_file", "files", "schema_file", "attachment")
    heads = [part for part in parts if part.field in {"bundle", "context_file", "files"}]
    if not heads:
        if parts:
            raise UsageError("a schema or attachment needs its context", code=REFUSED_REQUEST)
        return None
    left = limit
    contents: dict[str, bytes] = {}
    for part in [heads[0], *(part for part in parts if part is not heads[0])]:
        contents[part.name] = await content_of(part, limit=left)
        left -= part.size
    if limit - left <= INLINE_BYTES:  # quicker than a thread is woken
        return _bundle(heads[0].name, contents)
    return await asyncio.to_thread(_bundle, heads[0].name, contents)


def _bundle(entry: str, contents: dict[str, bytes]) -> Bundle:
    if contents[entry].startswith(ZIP):
        return bundle_from_zip(contents[entry])
    return bundle_from_files(entry, contents)


async def bundle_of_bytes(name: str, content: bytes) -> Bundle:
    """Return the bundle of one stored object: a zip, or a context that names no file.

    Raises:
        ContextError: it is neither.
    """
    return await asyncio.to_thread(_bundle, name.rpartition("/")[2], {name: content})


async def checked(bundle: Bundle) -> Chosen:
    """Return a bundle's name and version once it was found sound.

    Raises:
        ContextError: with every error and warning at once.
    """
    if bundle.hash not in _sound:
        _sound[bundle.hash] = await asyncio.to_thread(_check, bundle)
        while len(_sound) > _REMEMBERED:
            _sound.popitem(last=False)
    return _sound[bundle.hash][0]


def _check(bundle: Bundle) -> tuple[Chosen, bytes]:
    problems = check_bundle(bundle)
    context = read_context(bundle).context
    problems += _outside(context)
    if context is None or any(problem.severity == "error" for problem in problems):
        raise ContextError(problems)
    packed = bundle.to_zip()
    kept = packed if len(packed) <= INLINE_BYTES else b""
    topics = tuple(deliver.topic for deliver in context.deliver)
    return Chosen(bundle.hash, context.name, context.version, topics), kept


def _outside(context: Context | None) -> list[ContextProblem]:
    """Refuse second files from outside: a job has no way in for them but the bundle."""
    hint = "put the file into the bundle and name it under `file`"
    return [
        ContextProblem(
            join.mark, "HX-4304", f"a server has no file for the join `{join.name}`", hint
        )
        for join in (context.joins.values() if context is not None else ())
        if join.file is None
    ]


async def stored(services: Gateway, tenant: str, bundle: Bundle) -> StoredBundle:
    """Return the row that keeps a checked bundle; a large zip is put into the store first."""
    await checked(bundle)
    row = StoredBundle(tenant=tenant, hash=bundle.hash, entry=bundle.entry)
    packed = _sound[bundle.hash][1]
    if packed:
        return replace(row, content=packed, size=len(packed))
    key = f"contexts/{tenant}/{bundle.hash.rpartition(':')[2]}.zip"
    packed = await asyncio.to_thread(bundle.to_zip)
    if await services.store.find(key) is None:
        await services.store.put_bytes(key, packed)
    return replace(row, key=key, size=len(packed))


async def load(services: Gateway, tenant: str, hash_: str) -> Bundle:
    """Return a kept bundle.

    Raises:
        NotFoundError: this tenant has none with that hash.
    """
    row = await services.ledger.read(lambda conn: find_bundle(conn, tenant=tenant, hash_=hash_))
    if row.content is not None:
        return await asyncio.to_thread(bundle_from_zip, row.content)
    ref = await services.store.find(row.key)
    if ref is None:
        raise UsageError(f"the bundle {hash_} is no longer in the store")
    packed = b"".join([block async for block in services.store.read(ref)])
    return await asyncio.to_thread(bundle_from_zip, packed)
