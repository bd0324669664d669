"""How a server gets onto this machine: from package registries, once, into a cache of its own.

What is built is built aside and renamed at the end, so that an interrupted run leaves nothing
that looks finished; a lock lets two runs at once share one build.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.stack import versions


class CannotProvisionError(Exception):
    """A server can't be had on this machine; the message says why and what to do."""


def cache() -> Path:
    """Where servers are kept between runs and checkouts."""
    base = os.environ.get("HELIXNET_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(base) if base else Path(home) / "helixnet").absolute() / "stack"


def say(text: str) -> None:
    """Tell a person what happens, at once."""
    # One write, so that lines of several threads stay apart.
    print(f"helixnet: {text}\n", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time do what follows; the lock ends with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(target: Path, what: str, build: Callable[[Path], None]) -> Path:
    """Have ``build`` fill a folder aside and rename it to ``target``, unless that is there."""
    if target.exists():
        return target
    with locked(target.parent / f".{target.name}.lock"):
        if target.exists():
            return target
        aside = target.parent / f".{target.name}.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        say(f"{what} …")
        started = time.monotonic()
        build(aside)
        aside.rename(target)
        say(f"{what}: {time.monotonic() - started:.0f} s, kept in {target}")
    return target


def run(name: str, command: list[str], *, text: str = "", **variables: str) -> str:
    """Run a step of a build; its output matters only when it fails."""
    done = subprocess.run(
        command,
        env=os.environ | variables,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise CannotProvisionError(
            f"{name}: `{' '.join(command)}` ended with {done.returncode}:\n{tail}"
        )
    return done.stdout


def program(name: str, server: str) -> str:
    """Find a program that ``server`` needs, or install its Debian package where possible."""
    found = shutil.which(name)
    if found:
        return found
    package = versions.PACKAGES[name]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotProvisionError(
            f"{server} needs the program `{name}`: install it (Debian: apt-get install {package})"
        )
    with locked(cache() / ".apt-get.lock"):
        if not shutil.which(name):
            say(f"installing {package} for {server}")
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run(server, ["apt-get", "update", "-q"], **quiet)
            install = ["install", "-q", "-y", "--no-install-recommends", package]
            run(server, ["apt-get", *install], **quiet)
    found = shutil.which(name)
    if not found:
        raise CannotProvisionError(f"{server}: {package} was installed, yet there is no `{name}`")
    return found
