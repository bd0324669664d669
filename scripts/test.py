"""``make test``: provision what the tests need, run them, and say loudly what did not run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def corpora() -> Path:
    """Where the third-party files are expected."""
    return Path(os.environ.get("HELIXNET_CORPORA") or ROOT.parent / "shared" / "corpora")


def main(arguments: list[str]) -> int:
    """Run pytest with the given arguments; with CI set, something not run is a failure."""
    not_run = [f"{name} is not installed" for name in provision()]
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
