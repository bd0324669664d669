"""Environments of the programs that are measured beside HelixNet: never part of the wheel."""

import hashlib
from pathlib import Path

from scripts.stack import provisioning

HERE = Path(__file__).resolve().parent
UV = HERE.parent / "scripts" / "uv"


def environment(name: str, title: str) -> Path:
    """Return the environment of ``bench/<name>``, installed once for each state of its pins.

    Raises:
        CannotProvisionError: its packages can't be had.
    """
    pins = HERE / name / "requirements.txt"
    state = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]

    def install(aside: Path) -> None:
        # Not `uv venv`: with --relocatable the folder may be renamed once it is whole.
        provisioning.run(name, [str(UV), "venv", "--quiet", "--relocatable", str(aside / "env")])
        python = str(aside / "env" / "bin" / "python")
        command = [str(UV), "pip", "install", "--quiet", "--python", python, "-r", str(pins)]
        provisioning.run(name, command)

    home = provisioning.cache() / f"{name}-{state}"
    return provisioning.once(home, f"installing {title} for the bench", install) / "env"
