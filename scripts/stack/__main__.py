"""``make stack`` and its kin: ``python -m scripts.stack up|down|status|logs|env|provision``."""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.stack import needs, postgres, services, whole
from scripts.stack.provisioning import CannotProvisionError, say
from scripts.stack.server import Server, ServerError

_LINES: Final = 15
USUAL: Final = Path("helixnet-stack")


def up(folder: Path) -> int:
    """Start all and say what can be done with it."""
    started = time.monotonic()
    say(f"the stack lives in {folder}")
    missing = needs.provision()
    for line in missing:
        say(f"can't be provisioned: {line}")
    if missing:
        return 3
    before = whole.alive(folder)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        running = whole.up(folder)
    except BaseException:
        say(f"ending what was started just now; the logs stay: make stack-logs{_at(folder)}")
        whole.down(folder, but=before)
        raise
    say(f"ready after {time.monotonic() - started:.0f} s")
    print(_guide(folder, running))
    return 0


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _at(folder: Path) -> str:
    """Say which stack a command is about, unless it is the usual one."""
    return "" if folder == USUAL.absolute() else f" STACK={shlex.quote(str(folder))}"


def down(folder: Path) -> int:
    """End all by what their folders tell."""
    for line in whole.down(folder) or [f"nothing was started in {folder}"]:
        print(line)
    return 0


def status(folder: Path) -> int:
    """Show each process; 1 unless all are ready."""
    found = whole.known(folder)
    print(f"{'name':10} {'state':10} {'address':22} {'pid':>8} {'MiB':>6}")
    states = {name: whole.state(each) for name, each in found.items()}
    for name, each in found.items():
        size = whole.memory(each) if each.running() else 0
        print(f"{name:10} {states[name]:10} {each.address:22} {each.pid:8} {size:6}")
    if set(found) < set(whole.PORTS):
        missing = ", ".join(sorted(set(whole.PORTS) - set(found)))
        print(f"not started in {folder}: {missing} (make stack{_at(folder)})")
    return 0 if len(found) == len(whole.PORTS) and set(states.values()) == {"ready"} else 1


def logs(folder: Path) -> int:
    """Print the end of each log."""
    found = whole.known(folder)
    for each in found.values():
        print(f"=== {each.log}\n{each.last_lines(_LINES)}")
    if not found:
        say(f"nothing was started in {folder} (make stack{_at(folder)})")
    return 0 if found else 3


def env(folder: Path) -> int:
    """Print what tells another consumer where everything is, for a shell to take."""
    found = whole.known(folder)
    missing = sorted(set(whole.SERVERS) - set(found))
    if missing:
        say(f"not started in {folder}: {', '.join(missing)} (make stack{_at(folder)})")
        return 3
    for name, value in services.environment(found, folder, role=postgres.OWNER).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def provision(_folder: Path) -> int:
    """Fetch and build what is needed, and start nothing."""
    missing = needs.provision()
    for line in missing:
        say(f"can't be provisioned: {line}")
    return 3 if missing else 0


def _guide(folder: Path, running: dict[str, Server]) -> str:
    at = {name: each.url for name, each in running.items()}
    secrets, access = folder / "secrets", running["minio"].secrets["access_key"]
    here = _at(folder)
    return f"""
  {at["gateway"]}/ is the status page, {at["gateway"]}/docs its REST
    users demo, chuck, marcel, admin (the password is the name), of {at["keycloak"]}
  {at["minio"]} has the bucket helix: access key {access}, secret in {secrets}/store
    takes files at inbox/TENANT/..., such as inbox/demo/orders-csv/NAME (region us-east-1)
  {running["kafka"].address} has the topic helix.results: an event for every run that ended
  {at["postgres"]}: role helixnet, password in {secrets}/helixnet
  sftp -P {running["ingest"].ports["sftp"]} NAME@127.0.0.1: drops of partners (helixnet partners)

Try:
  export HELIXNET_URL={at["gateway"]}
  make seed-data
  scripts/uv run helixnet login           # by the browser, or --user demo
  scripts/uv run helixnet jobs list
  make stack-status{here}, make stack-logs{here}, make stack-down{here}"""


def main(arguments: list[str]) -> int:
    """Run one command; what goes wrong is said in words."""
    commands: dict[str, Callable[[Path], int]] = {
        each.__name__: each for each in (up, down, status, logs, env, provision)
    }
    parser = argparse.ArgumentParser(prog="python -m scripts.stack", description=__doc__)
    parser.add_argument("command", choices=commands)
    parser.add_argument("--folder", type=Path, default=USUAL)
    given = parser.parse_args(arguments)
    try:
        return commands[given.command](given.folder.absolute())
    except (ServerError, CannotProvisionError) as error:
        say(str(error))
        return 3
    except (NotADirectoryError, FileNotFoundError, PermissionError) as error:
        say(f"{given.folder} is no folder for a stack: {error}")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
