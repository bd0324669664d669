"""``make demo``: a CSV dropped into a folder and an IDoc sent by REST become validated JSON."""

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from helixnet.cli.faults import faults

ROOT = Path(__file__).resolve().parent.parent
CSV = ROOT / "examples" / "orders-csv"
IDOC = ROOT / "examples" / "orders-idoc"
FINAL = {"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"}


def say(text: str = "") -> None:
    """Print at once."""
    print(text, flush=True)


def free_port() -> int:
    """Pick a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """One embedded server on a temporary data folder, and a person who uses it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.http = httpx.Client(base_url=f"{self.url}/api/v1", timeout=30)
        port = self.url.rpartition(":")[2]
        command = [sys.executable, "-m", "helixnet", "serve", "--data", str(self.data)]
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [*command, "--port", port, "--sftp-port", str(free_port())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait for the server, or say what its log says."""
        for _ in range(300):
            if self.server.poll() is not None:
                raise SystemExit(f"the server ended at once:\n{self.log.read_text('utf-8')}")
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"the server did not become ready:\n{self.log.read_text('utf-8')}")

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """Send one request and give its JSON."""
        answer = self.http.request(method, path, **request)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def log_in(self) -> None:
        """Become the demo user."""
        form = {"username": "demo", "password": "demo"}
        token = self.ask("POST", "/auth/token", data=form)["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def publish(self) -> None:
        """Publish the CSV context and make the flow that uses it."""
        names = ("context.yaml", "purchase-order.schema.json")
        files = [("files", (name, (CSV / name).read_bytes())) for name in names]
        published = self.ask("POST", "/contexts", files=files)
        flow = {"name": "orders", "match": "orders/*.csv", "context": published["name"]}
        self.ask("POST", "/flows", json=flow)

    def drop(self) -> str:
        """Drop the CSV into the watched folder; return its job's id once it is seen."""
        inbox = self.data / "inbox" / "demo" / "orders"
        inbox.mkdir(parents=True, exist_ok=True)
        shutil.copy(CSV / "orders.csv", inbox / "orders.csv.part")
        (inbox / "orders.csv.part").rename(inbox / "orders.csv")
        say(f"   dropped {inbox}/orders.csv; a drop is taken once it lies unchanged for 2 s")
        while True:
            found = self.ask("GET", "/jobs", params={"text": "orders.csv"})["jobs"]
            if found:
                return str(found[0]["job_id"])
            time.sleep(0.05)

    def upload(self) -> str:
        """Upload the IDoc with its context by REST; return the job's id."""
        files = {
            "content_file": ("orders.idoc", (IDOC / "orders.idoc").read_bytes()),
            "context_file": ("context.yaml", (IDOC / "context.yaml").read_bytes()),
            "schema_file": (
                "purchase-order.schema.json",
                (IDOC / "purchase-order.schema.json").read_bytes(),
            ),
        }
        return str(self.ask("POST", "/jobs/upload", files=files)["job_id"])

    def follow(self, job_id: str) -> dict[str, Any]:
        """Print each state of a job as it comes; return the finished job."""
        with self.http.stream("GET", f"/jobs/{job_id}/events") as events:
            for line in events.iter_lines():
                if line.startswith("data:"):
                    state = json.loads(line[5:]).get("state")
                    say(f"   {job_id}  {state}")
                    if state in FINAL:
                        break
        return self.ask("GET", f"/jobs/{job_id}")

    def stop(self) -> None:
        """End the server gracefully."""
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(40)


def show(demo: Demo) -> None:
    """Run the main job and print what came of it."""
    say("1. A CSV of purchase orders is dropped into the inbox of the flow `orders` …")
    dropped = demo.follow(demo.drop())
    say("2. … and a flat SAP ORDERS05 IDoc is uploaded by REST.")
    sent = demo.follow(demo.upload())
    say("\n3. One order of the CSV, as validated JSON:")
    result = demo.http.get(f"/jobs/{dropped['job_id']}/result").text
    say(msgspec.json.format(result.splitlines()[0], indent=2))
    say("\n4. What could not be used, with line, field and reason:")
    for reject in demo.ask("GET", f"/jobs/{dropped['job_id']}/rejects")["rejects"]:
        for error in faults(reject["errors"]):
            place: dict[str, Any] = error.get("source") or {}
            where = f"line {place.get('line', reject['line'])}, {place.get('field') or 'record'}"
            feeds = f" (feeds {', '.join(error['targets'])})" if error["targets"] else ""
            say(f"   {where}: {error['code']} {error['message']}{feeds}")
    for job in (dropped, sent):
        say(f"\n   {job['filename']}: {job['state']}, {job['counts']}")


def main() -> int:
    """Run the demo; with --keep, leave the server running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server running")
    keep = parser.parse_args().keep
    folder = Path(tempfile.mkdtemp(prefix="helixnet-demo-"))
    demo = Demo(folder)
    try:
        say(f"helixnet: starting an embedded server on {demo.url}, data in {demo.data}")
        demo.wait_until_ready()
        demo.log_in()
        demo.publish()
        show(demo)
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            demo.stop()
            shutil.rmtree(folder, ignore_errors=True)
    say("\n5. To go on:")
    say("   make deploy-code       installs the command `helixnet`; then:")
    say("   helixnet run examples/orders-csv/context.yaml examples/orders-csv/orders.csv")
    if keep:
        say(f"   {demo.url}/ (log in as demo, password demo) and {demo.url}/docs")
        say(f"   export HELIXNET_URL={demo.url} && helixnet login --user demo")
        say(f"   end it with: kill {demo.server.pid} && rm -r {folder}")
    else:
        say("   helixnet serve         your own server; see README.md")
        say("   make demo KEEP=1       leaves this one running, with its pages and REST docs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
