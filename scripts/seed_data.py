"""``make seed-data``: give demo contexts, flows and files to the server at ``HELIXNET_URL``.

It may be run again: what is there stays, and the same file is the same job.
"""

import sys
from pathlib import Path
from typing import Any, Final

from helixnet import settings
from helixnet.cli.connection import Server
from helixnet.cli.following import wait
from helixnet.engine.context.bundle import load_bundle
from helixnet.errors import HelixNetError

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples"
FILES: Final = {"orders-csv": "orders.csv", "orders-idoc": "orders.idoc"}
USERS: Final = {"demo": "demo", "chuck": "acme"}  # user -> tenant; the password is the name


def log_in(url: str, user: str) -> Server:
    """Reach the server as one of its demo users."""
    form = {"username": user, "password": user}
    token = Server(url, lambda: "").post("/auth/token", data=form)["access_token"]
    return Server(url, lambda: str(token))


def publish(server: Server, example: str) -> str:
    """Publish an example's context; return its name."""
    zipped = load_bundle(EXAMPLES / example).to_zip()
    files = {"files": ("bundle.zip", zipped, "application/zip")}
    return str(server.post("/contexts", files=files)["name"])


def add_flow(server: Server, name: str, context: str) -> None:
    """Have files below the inbox folder of that name go to the context."""
    flow = {"name": name, "match": f"{name}/*", "context": context, "keep": "30d"}
    server.send("PUT", f"/flows/{name}", json=flow)


def upload(server: Server, flow: str, file: Path) -> dict[str, Any]:
    """Send a file, once, and wait for its job."""
    sent = server.post(
        "/jobs/upload",
        files={"content_file": (file.name, file.read_bytes())},
        data={"flow": flow},
        headers={"Idempotency-Key": f"seed-{flow}-{file.name}"},
    )
    return wait(server, str(sent["job_id"]))


def main() -> int:
    """Seed the tenants of the demo users; print what they have now."""
    url = settings.load().settings.url.rstrip("/")
    try:
        for user, tenant in USERS.items():
            server = log_in(url, user)
            for example, name in FILES.items():
                add_flow(server, example, publish(server, example))
                job = upload(server, example, EXAMPLES / example / name)
                print(f"{tenant}: flow {example}, job {job['job_id']} of {name}: {job['state']}")
    except HelixNetError as error:
        print(f"seed-data: {error}", file=sys.stderr)
        print(f"seed-data: try: {error.hint}" if error.hint else "", file=sys.stderr)
        return 3
    print(f"see {url}/ (user demo or chuck; the password is the name)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
