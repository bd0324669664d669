"""``make test``: provision what the tests need, run them, and say loudly what did not run.

With CI=true what can't be provisioned is a failure.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that the stack is found, whichever way this was started

from scripts.stack import needs  # noqa: E402  after the path that it is found by

CI = os.environ.get("CI", "") not in ("", "0", "false")
# What the tests call from outside Python, and the Debian package that brings it.
PROGRAMS = {"sftp": "openssh-client", "chromium": "chromium"}


def provision() -> list[str]:
    """Install missing programs where that is possible; return what is still missing."""
    missing = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"helixnet: installing {', '.join(missing.values())} for the tests", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-q", "-y", "--no-install-recommends", *missing.values()]
        for arguments in (["update", "-q"], install):
            subprocess.run(
                ["apt-get", *arguments],
                env=environment,
                stdout=subprocess.DEVNULL,
                check=False,
            )
    return [name for name in missing if not shutil.which(name)]


# Folders whose tests need no server.
SERVERLESS = ("tests/unit", "tests/corpus")


def wants_servers(arguments: list[str]) -> bool:
    """Whether tests of the stack may be among those asked for."""
    paths = [each for each in arguments if each.startswith("tests")]
    alone = bool(paths) and all(path.startswith(SERVERLESS) for path in paths)
    return not alone and not any("not stack" in each for each in arguments)


def corpora() -> Path:
    """Where the third-party files are expected."""
    return Path(os.environ.get("HELIXNET_CORPORA") or ROOT.parent / "shared" / "corpora")


def main(arguments: list[str]) -> int:
    """Run pytest with the given arguments; with CI set, something not run is a failure."""
    not_run = [f"{name} is not installed" for name in provision()]
    if wants_servers(arguments):
        not_run += [f"the stack's tests: {line}" for line in needs.provision()]
    if not corpora().is_dir():
        not_run.append(f"no corpora in {corpora()} (set HELIXNET_CORPORA)")
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup"]
    environment = {"HYPOTHESIS_PROFILE": "thorough"} | os.environ
    done = subprocess.run([*pytest, *arguments], cwd=ROOT, check=False, env=environment)
    for line in not_run:
        print(f"helixnet: NOT RUN: {line}", file=sys.stderr)
    return done.returncode or (1 if not_run and CI else 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
