"""Write the ledger that this version leaves behind: ``python -m tests.contract.ledgers.make``.

Run it once a release, before its tag; the file is then kept for ever.
"""

import asyncio
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from helixnet.adapters import ledger_file
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.ledger import audit, catalog, contexts
from tests.contract.ledger.driving import BAD, GOOD, Driver


async def fill(hx: Driver) -> None:
    flow = catalog.Flow(tenant="demo", name="orders", match="orders/*", context="orders")
    await hx.do(catalog.add_flow, flow)
    bundle = contexts.StoredBundle(tenant="demo", hash="sha256:h", entry="c.yaml", content=b"zip")
    await hx.do(contexts.publish, bundle, name="orders", version="1.0.0", by="demo")
    await hx.do(audit.record, tenant="demo", actor="demo", action="context.publish")
    await hx.whole(counts=BAD)
    await hx.started(cuts=2)
    part, _ = await hx.claim_parts()
    await hx.done(part, GOOD)
    await hx.accept()


async def main() -> None:
    with TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.db")
        await fill(Driver(ledger))
        await ledger.close()
        target = Path(__file__).with_name(f"{version('helixnet')}.db")
        target.unlink(missing_ok=True)
        ledger_file.copy(Path(folder) / "ledger.db", target)


if __name__ == "__main__":
    asyncio.run(main())
