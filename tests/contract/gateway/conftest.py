"""A gateway in this process, on a real ledger and store."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from scripts.stack import postgres

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.identity_local import LocalIdentity, rotate_keys
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.adapters.store_folder import FolderStore
from helixnet.gateway.app import create_app
from helixnet.gateway.options import GatewaySettings
from helixnet.ports import Bus, Ledger
from tests.contract.ledger.servers import ON_POSTGRES, copied

URL = "http://127.0.0.1:8080"
CONTEXT = b"""\
helixnet: 1
name: plain-orders
version: 1.0.0
target: order.schema.json
source: {format: csv, fields: {NO: {type: string, required: true}}}
map:
  orderId: NO
"""
SCHEMA = b"""\
{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
 "required": ["orderId"], "properties": {"orderId": {"type": "string"}}}
"""
FILES = {"context.yaml": CONTEXT, "order.schema.json": SCHEMA}


class Running:
    """A gateway, its parts, and people with tokens."""

    def __init__(
        self,
        app: FastAPI,
        http: httpx.AsyncClient,
        folder: Path,
        *,
        identity: LocalIdentity,
        ledger: Ledger,
        store: FolderStore,
    ) -> None:
        self.app = app
        self.http = http
        self.folder = folder  # of the signing keys
        self.identity = identity
        self.ledger = ledger  # as the consumers have it
        self.store = store

    async def token(self, user: str) -> dict[str, str]:
        answer = await self.identity.password(user, user)
        return {"Authorization": f"Bearer {answer['access_token']}"}

    async def ask(self, method: str, path: str, user: str, **more: Any) -> httpx.Response:
        headers = {**(await self.token(user)), **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, user: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, user, **more)

    async def upload(
        self,
        content: bytes = b"NO\n1\n",
        user: str = "demo",
        *,
        name: str = "orders.csv",
        files: Mapping[str, bytes] | None = None,
        **more: Any,
    ) -> httpx.Response:
        parts = [("content_file", (name, content))]
        kinds = ["context_file", "schema_file"]
        sent = FILES if files is None else files
        parts += [(k, item) for k, item in zip(kinds, sent.items(), strict=False)]
        return await self.ask("POST", "/api/v1/jobs/upload", user, files=parts, **more)


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys made once: making them is what takes time."""
    folder = tmp_path_factory.mktemp("keys")
    rotate_keys(folder, now=time.time())
    return folder


BY_LEDGER = (
    "test_jobs",
    "test_uploads",
    "test_results",
    "test_replays",
    "test_contexts",
    "test_live",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What asks the ledger much is asked of both, where Postgres holds its wall as well."""
    if "gateway" in metafunc.fixturenames:
        kinds = ["sqlite"]
        if metafunc.module.__name__.rpartition(".")[2] in BY_LEDGER:
            kinds.append("postgres")
        marks = {"sqlite": (), "postgres": ON_POSTGRES}
        params = [pytest.param(kind, marks=marks[kind], id=kind) for kind in kinds]
        metafunc.parametrize("gateway", params, indirect=True)


@pytest.fixture
async def gateway(
    request: pytest.FixtureRequest, tmp_path: Path, signing_keys: Path
) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        if request.param == "postgres":
            server = await stack.enter_async_context(copied(request.getfixturevalue("cluster")))
            own: Ledger = await server.open()
            ledger: Ledger = await server.another(role=postgres.GATEWAY, scoped=True)
        else:
            own = ledger = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
            stack.push_async_callback(ledger.close)
        running = serving(tmp_path, signing_keys, _local_bus, ledger=ledger, own=own)
        yield await stack.enter_async_context(running)


def _local_bus(ledger: Ledger) -> Bus:
    return LocalBus(ledger, poll_seconds=1)


@asynccontextmanager
async def serving(
    folder: Path, keys: Path, bus_of: Callable[[Ledger], Bus], *, ledger: Ledger, own: Ledger
) -> AsyncIterator[Running]:
    """Run a gateway on a ledger with the bus that is made of it; ``own`` is its owner's view."""
    shutil.copytree(keys, folder / "identity")
    identity = LocalIdentity(folder / "identity", issuer=URL, demo_users=True)
    store = FolderStore(folder)
    settings = GatewaySettings(
        scratch=store.scratch,
        hosts=frozenset({"127.0.0.1", "localhost", "::1"}),
        max_body=4 << 20,
        heartbeat_seconds=0.05,
    )
    app = create_app(
        ledger=ledger, store=store, bus=bus_of(ledger), identity=identity, settings=settings
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
        yield Running(app, http, folder / "identity", identity=identity, ledger=own, store=store)
    await store.close()
