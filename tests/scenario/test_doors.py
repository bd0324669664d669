"""How files come in: the watched folder and SFTP."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.scenario.running import Helix, Person, eventually
from tests.scenario.test_jobs import GOOD, HEADER

pytestmark = pytest.mark.scenario
CONTENT = (HEADER + GOOD).encode()


@pytest.fixture
def flow(demo: Person, orders: dict[str, bytes]) -> str:
    """A flow of the tenant demo that takes CSV orders by a published context."""
    files = [("files", (name, data)) for name, data in orders.items()]
    answer = demo.http.post("/contexts", files=files)
    assert answer.status_code in {200, 201, 409}, answer.text
    answer = demo.http.post(
        "/flows", json={"name": "orders", "match": "orders/*.csv", "context": "acme-orders-csv"}
    )
    assert answer.status_code in {200, 201, 409}, answer.text
    return "orders"


def job_of(person: Person, name: str) -> dict[str, object]:
    """Wait for the job of a dropped file to end."""
    found = eventually(lambda: person.jobs(text=name))
    return person.wait(str(found[0]["job_id"]))


def test_a_dropped_file_becomes_a_job(helix: Helix, demo: Person, flow: str) -> None:
    helix.drop("demo", flow, "dropped.csv", CONTENT)
    assert job_of(demo, "dropped.csv")["state"] == "COMPLETED"


def test_the_same_name_dropped_again_is_another_job(helix: Helix, demo: Person, flow: str) -> None:
    for number in (1, 2):
        helix.drop("demo", flow, "again.csv", CONTENT)
        eventually(lambda n=number: len(demo.jobs(text="again.csv")) == n)


def test_an_unfinished_file_is_left_alone(helix: Helix, demo: Person, flow: str) -> None:
    """A sender that writes `x.part` and renames is never read halfway."""
    helix.drop("demo", flow, "late.csv.part", CONTENT[:40])
    helix.drop("demo", flow, "other.csv", CONTENT)
    job_of(demo, "other.csv")
    assert demo.jobs(text="late.csv") == []
    helix.drop("demo", flow, "late.csv", CONTENT)
    assert job_of(demo, "late.csv")["state"] == "COMPLETED"


class Sftp:
    """The OpenSSH client with one key."""

    def __init__(self, helix: Helix, folder: Path, partner: str) -> None:
        self.folder = folder
        self.port = helix.sftp_port
        self.partner = partner
        self.key = folder / f"{partner}.key"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
        subprocess.run(command, check=True)

    def run(self, *lines: str) -> subprocess.CompletedProcess[str]:
        options = {
            "IdentityFile": str(self.key),
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "BatchMode": "yes",
        }
        command = ["sftp", "-q", "-b", "-", "-P", str(self.port), "-F", "/dev/null"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        return subprocess.run(
            [*command, f"{self.partner}@127.0.0.1"],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
            timeout=60,
        )


needs_sftp = pytest.mark.skipif(shutil.which("sftp") is None, reason="no OpenSSH client here")


@needs_sftp
def test_partners_drop_files_by_sftp(helix: Helix, demo: Person, flow: str, tmp_path: Path) -> None:
    partner = Sftp(helix, tmp_path, "warehouse")
    helix.add_partner("warehouse", tenant="demo", public_key=partner.key.with_suffix(".key.pub"))
    (tmp_path / "by-sftp.csv").write_bytes(CONTENT)
    done = partner.run(f"cd {flow}", "put by-sftp.csv")
    assert done.returncode == 0, done.stderr
    assert job_of(demo, "by-sftp.csv")["state"] == "COMPLETED"
    (tmp_path / "renamed.csv.part").write_bytes(CONTENT)
    done = partner.run(f"cd {flow}", "put renamed.csv.part", "rename renamed.csv.part renamed.csv")
    assert done.returncode == 0, done.stderr
    assert job_of(demo, "renamed.csv")["state"] == "COMPLETED"


@needs_sftp
def test_a_wrong_key_is_refused(helix: Helix, tmp_path: Path) -> None:
    known = Sftp(helix, tmp_path, "known")
    helix.add_partner("known", tenant="demo", public_key=known.key.with_suffix(".key.pub"))
    stranger = Sftp(helix, tmp_path, "stranger")
    stranger.partner = "known"
    assert stranger.run("ls").returncode != 0
    assert known.run("ls").returncode == 0


@needs_sftp
def test_a_partner_stays_in_its_folder(helix: Helix, tmp_path: Path) -> None:
    partner = Sftp(helix, tmp_path, "curious")
    helix.add_partner("curious", tenant="acme", public_key=partner.key.with_suffix(".key.pub"))
    (tmp_path / "evil.csv").write_bytes(CONTENT)
    for target in ("../../evil.csv", "/../../evil.csv", "../demo/orders/evil.csv"):
        partner.run(f"put evil.csv {target}")
    assert partner.run("get ../../ledger.db").returncode != 0
    assert partner.run("symlink /etc/passwd link", "get link stolen").returncode != 0
    time.sleep(0.2)
    person = Person(helix.url, "demo")
    assert person.jobs(text="evil.csv") == []
