"""The client commands at a running server: text for people, JSON for programs, exit statuses."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.conftest import EXAMPLES
from tests.scenario.running import Helix, Person, command, eventually
from tests.scenario.test_jobs import BAD, GOOD, HEADER

pytestmark = pytest.mark.scenario
CSV = str(EXAMPLES / "orders-csv")
Done = subprocess.CompletedProcess[str]


class Shell:
    """A person at a terminal, logged in at a server."""

    def __init__(self, url: str, home: Path, user: str) -> None:
        self.url = url
        self.home = home
        done = self.run("login", "--user", user, "--password-stdin", text=f"{user}\n")
        assert done.returncode == 0, done.stderr
        assert "logged in" in done.stdout

    def run(self, *arguments: str, text: str = "", **variables: str) -> Done:
        return command(*arguments, home=self.home, url=self.url, text=text, **variables)

    def good(self, *arguments: str) -> str:
        """Run a command that must succeed and return what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.good(*arguments, "--json"))


@pytest.fixture
def shell(helix: Helix, tmp_path: Path) -> Shell:
    return Shell(helix.url, tmp_path, "demo")


@pytest.fixture
def published(shell: Shell) -> Shell:
    """A person whose tenant has the CSV context."""
    assert shell.json("contexts", "publish", CSV)["name"] == "acme-orders-csv"
    return shell


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def make(content: str) -> str:
        path = tmp_path / f"{uuid.uuid4()}.csv"
        path.write_text(content, encoding="utf-8")
        return path.name

    return make


Write = Callable[[str], str]


def test_a_token_is_kept_for_its_owner_only(shell: Shell) -> None:
    path = shell.home / ".config" / "helixnet" / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(path.read_text("utf-8"))) == [shell.url]


def test_a_wrong_password_or_none_is_refused(helix: Helix, tmp_path: Path) -> None:
    login = ("login", "--user", "demo", "--password-stdin", "--url", helix.url)
    done = command(*login, home=tmp_path, text="wrong\n")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    done = command("jobs", "list", "--url", helix.url, home=tmp_path)
    assert done.returncode == 2
    assert "helixnet login" in done.stderr
    done = command("login", "--user", "demo", "--url", helix.url, home=tmp_path)
    assert done.returncode == 2  # there is no terminal to ask for a password at
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:1", 3),
        ("nonsense", 2),
        ("http://", 2),
        ("http://[half", 2),
        ("ftp://127.0.0.1", 2),
    ],
)
def test_without_a_server_the_status_says_so(tmp_path: Path, url: str, status: int) -> None:
    for arguments in (("jobs", "list"), ("topics", "read", "helix.jobs")):
        done = command(*arguments, home=tmp_path, url=url)
        assert done.returncode == status, done.stderr
        assert url in done.stderr
        assert "Traceback" not in done.stderr


def test_submit_and_wait_prints_the_result(shell: Shell, write: Write) -> None:
    done = shell.run("submit", write(HEADER + GOOD), "--context", CSV, "--wait")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["orderId"] == "4711"
    assert "COMPLETED" in done.stderr


def test_a_result_is_fetched_later(shell: Shell, write: Write) -> None:
    """On standard output or in a file; what can't be had leaves the file as it was."""
    job = shell.json("submit", write(HEADER + GOOD), "--context", CSV, "--wait")["job_id"]
    printed = shell.good("jobs", "result", job)
    assert json.loads(printed)["orderId"] == "4711"
    assert shell.good("jobs", "result", job, "--run", "1", "-o", "out.ndjson") == ""
    assert (shell.home / "out.ndjson").read_text("utf-8") == printed
    for missing in ((job, "--run", "9"), ("none",)):
        done = shell.run("jobs", "result", *missing, "-o", "out.ndjson")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert (shell.home / "out.ndjson").read_text("utf-8") == printed
    assert not list(shell.home.glob(".out*"))


def test_submit_tells_rejects_by_its_status(published: Shell, write: Write) -> None:
    """A file of which nothing is good fails; its rejects are shown as a table and as JSON."""
    done = published.run("submit", write(HEADER + BAD), "--context", CSV, "--wait", "--json")
    assert done.returncode == 1
    job = json.loads(done.stdout)
    assert job["state"] == "FAILED"
    assert f"1 of 1 records rejected: helixnet rejects list --job {job['job_id']}" in done.stderr
    partial = published.run("submit", write(HEADER + GOOD + BAD), "--context", CSV, "--wait")
    assert partial.returncode == 1
    assert "PARTIAL" in partial.stderr
    assert "1 of 2 records rejected: helixnet rejects list --job " in partial.stderr
    table = published.good("rejects", "list", "--job", job["job_id"])
    assert table.splitlines()[0].split()[:4] == ["JOB", "RECORD", "LINE", "FIELD"]
    assert "HX-1102" in table
    (reject,) = published.json("rejects", "list", "--job", job["job_id"], "--code", "HX-1102")
    assert reject["errors"][0]["value"] == "1x"
    shown = json.loads(published.good("rejects", "show", job["job_id"], str(reject["record"])))
    assert shown["raw"] == BAD
    assert published.run("rejects", "show", job["job_id"], "99").returncode == 2


def test_the_values_of_a_file_do_not_drive_a_terminal(shell: Shell, write: Write) -> None:
    """Control characters of a rejected value are shown as escapes."""
    nasty = HEADER + BAD.replace("1x", "\x1b[31m1")
    done = shell.run("submit", write(nasty), "--context", CSV, "--wait", "--json")
    table = shell.good("rejects", "list", "--job", json.loads(done.stdout)["job_id"])
    assert "\\x1b[31m1" in table
    assert "\x1b" not in table


def test_submit_takes_a_published_context_and_the_pipe(published: Shell) -> None:
    submit = ("submit", "-", "--wait", "--context")
    for context in ("acme-orders-csv", "acme-orders-csv@1.0.0", CSV):
        done = published.run(*submit, context, text=HEADER + GOOD)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["orderId"] == "4711"
    assert "stdin" in published.good("jobs", "list", "--text", "stdin")
    for missing in ("no-such-name", "missing.yaml", "folder/none"):
        done = published.run(*submit, missing, text=HEADER + GOOD)
        assert done.returncode == 2
        assert missing in done.stderr


def test_an_admin_names_the_tenant(published: Shell, helix: Helix, tmp_path: Path) -> None:
    """The words are those of the command line, and the option does it."""
    (tmp_path / "admin").mkdir()
    admin = Shell(helix.url, tmp_path / "admin", "admin")
    submit = ("submit", "-", "--context", "acme-orders-csv", "--wait")
    for arguments in (submit, ("contexts", "publish", CSV), ("replay", "--text", "none")):
        done = admin.run(*arguments, text=HEADER + GOOD)
        assert done.returncode == 2
        assert "--tenant NAME" in done.stderr
    done = admin.run(*submit, "--tenant", "demo", text=HEADER + GOOD)
    assert done.returncode == 0, done.stderr
    assert published.good("contexts", "list")


def test_the_same_key_makes_one_job(shell: Shell, write: Write) -> None:
    submit = ("submit", write(HEADER + GOOD), "--context", CSV, "--key", str(uuid.uuid4()))
    assert shell.good(*submit) == shell.good(*submit)


def test_jobs_are_listed_shown_run_again_and_not_cancelled_twice(
    shell: Shell, write: Write
) -> None:
    file = write(HEADER + GOOD)
    job = shell.json("submit", file, "--context", CSV, "--wait")["job_id"]
    table = shell.good("jobs", "list", "--text", file)
    assert job in table
    assert "COMPLETED" in table
    assert [row["job_id"] for row in shell.json("jobs", "list", "--text", file)] == [job]
    assert shell.json("jobs", "list", "--text", file, "--state", "FAILED") == []
    assert "records 1" in shell.good("jobs", "show", job)
    assert shell.json("jobs", "rerun", job, "--wait")["run"] == 2
    assert shell.json("jobs", "rerun", job, "--context", CSV, "--wait")["run"] == 3
    done = shell.run("jobs", "cancel", job)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("job", ["none", "../../../health/live", "a b?c#d", "."])
def test_a_job_that_is_not_there_is_wrong_usage(shell: Shell, job: str) -> None:
    done = shell.run("jobs", "show", job)
    assert done.returncode == 2
    assert done.stderr.startswith("helixnet: ")
    assert "Traceback" not in done.stderr


def test_contexts_and_flows(published: Shell, write: Write) -> None:
    assert "acme-orders-csv" in published.good("contexts", "list")
    rows = published.json("contexts", "diff", "acme-orders-csv", "1.0.0")
    assert all(row["one"] == row["other"] for row in rows)
    name = f"flow-{uuid.uuid4()}"
    add = ("flows", "add", name, "--match", f"{name}/*.csv", "--context", "acme-orders-csv")
    made = published.json(*add, "--keep", "30d", "--retain", "results=2w", "--retain", "work=1h")
    assert made["keep"] == "30d"
    assert made["retention"] == {"results": 1209600, "work": 3600}
    assert published.run(*add, "--retain", "results=soon").returncode == 2
    assert name in published.good("flows", "list")
    assert published.run(*add).returncode == 2
    done = published.run("submit", write(HEADER + GOOD), "--flow", name, "--wait")
    assert json.loads(done.stdout)["orderId"] == "4711"
    published.good("flows", "remove", name)
    assert name not in published.good("flows", "list")
    assert published.run("flows", "remove", name).returncode == 2


def test_a_context_with_errors_is_not_published(shell: Shell, tmp_path: Path) -> None:
    """Every problem is named with its place, whether found here or at the server."""
    (tmp_path / "bad.yaml").write_text("helixnet: 1\nname: bad\n", encoding="utf-8")
    for context in ("bad.yaml", "missing.yaml"):
        done = shell.run("contexts", "publish", context)
        assert done.returncode == 2
        assert "HX-4" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_replay_is_tried_and_done(shell: Shell, write: Write) -> None:
    file = write(HEADER + GOOD)
    job = shell.json("submit", file, "--context", CSV, "--wait")["job_id"]
    told = shell.good("replay", "--text", file, "--dry-run")
    assert "1 job would run again" in told
    assert job in told
    assert shell.json("replay", job)["jobs"] == [job]
    assert shell.run("replay").returncode == 2
    for time in ("2026-01-01", "2026-01-01T00:00:00", "soon"):
        done = shell.run("replay", "--since", time)
        assert done.returncode == 2
        assert "--since 2026-01-01T00:00:00Z" in done.stderr
    eventually(lambda: shell.json("jobs", "show", job)["state"] == "COMPLETED")
    told = shell.good("replay", "--text", file, "--since", "2026-01-01T00:00:00Z", "--dry-run")
    assert "1 job would run again" in told


def test_topics_are_read_as_lines(shell: Shell, helix: Helix) -> None:
    Person(helix.url, "demo")
    events = [json.loads(line) for line in shell.good("topics", "read", "helix.jobs").splitlines()]
    last = events[-1]["position"]
    assert last == max(event["position"] for event in events)
    assert shell.good("topics", "read", "helix.jobs", "--after", str(last)) == ""
    assert shell.run("topics", "read", "helix.none").returncode == 2


def test_partners_are_for_admins(shell: Shell, helix: Helix, tmp_path: Path) -> None:
    (tmp_path / "admin").mkdir()
    admin = Shell(helix.url, tmp_path / "admin", "admin")
    key = admin.home / "key"
    generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(generate, check=True)
    name = f"p{uuid.uuid4().hex[:8]}"
    add = ("partners", "add", name, "--tenant", "demo", "--key")
    assert "drops files for demo" in admin.good(*add, "key.pub")
    listed = admin.good("partners", "list")
    assert name in listed
    read = ["ssh-keygen", "-lf", f"{key}.pub"]
    known = subprocess.run(read, check=True, capture_output=True, text=True).stdout.split()[1]
    assert known in listed
    assert admin.run(*add, "key").returncode == 2
    assert shell.run("partners", "list").returncode == 2
    admin.good("partners", "remove", name)
    assert name not in admin.good("partners", "list")
    assert admin.run("partners", "remove", name).returncode == 2


def test_what_can_not_be_read_is_wrong_usage(shell: Shell) -> None:
    for arguments in (("nothing.csv", "--context", CSV), (".", "--context", CSV)):
        done = shell.run("submit", *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_token_may_come_from_the_environment(helix: Helix, tmp_path: Path) -> None:
    token = Person(helix.url, "chuck").token
    (tmp_path / "token").write_text(token, encoding="ascii")
    for variables in (
        {"HELIXNET_TOKEN": token},
        {"HELIXNET_TOKEN_FILE": str(tmp_path / "token")},
    ):
        done = command("jobs", "list", home=tmp_path, url=helix.url, **variables)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shell_name", ["bash", "zsh"])
def test_completion_is_a_script_of_that_shell(tmp_path: Path, shell_name: str) -> None:
    done = command("completion", shell_name, home=tmp_path)
    assert done.returncode == 0
    assert "replay" in done.stdout
    if shell_name == "bash":
        script = done.stdout + "\nCOMP_WORDS=(helixnet jo); COMP_CWORD=1\n"
        checked = subprocess.run(
            ["bash", "-n"], input=script, text=True, check=False, env=dict(os.environ)
        )
        assert checked.returncode == 0
