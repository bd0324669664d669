"""``make check``: every gate that needs no server, two at a time, each with its seconds."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GATES = {
    "types": "basedpyright --level warning",
    "unit tests": "pytest -q -n 2 -p no:cacheprovider tests/unit",
    "format": "ruff format --check --quiet --no-cache .",
    "lint": "ruff check --quiet --no-cache .",
    "imports": "lint-imports --no-cache",
    "dependencies": "deptry . --no-ansi",
    "dead code": "vulture",
    "spelling": "codespell README.md CHANGELOG.md CONTRIBUTING.md docs src services examples",
    "schemas": "check-jsonschema --check-metaschema {schemas}",
    "yaml": "yamllint --strict examples compose",
}


def run(gate: str) -> tuple[str, int, float, str]:
    """Run one gate; return its name, exit status, seconds and output."""
    schemas = " ".join(str(path) for path in sorted((ROOT / "schemas").glob("*.json")))
    command = GATES[gate].format(schemas=schemas).split()
    command[0] = str(Path(sys.executable).parent / command[0])
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"HYPOTHESIS_PROFILE": "glance"} | os.environ,
    )
    return gate, done.returncode, time.monotonic() - started, done.stdout + done.stderr


def main() -> int:
    """Run all gates; exit 1 if one is red."""
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for gate, status, seconds, output in pool.map(run, GATES):
            print(f"{'ok' if status == 0 else 'RED':4} {gate:14} {seconds:5.1f} s", flush=True)
            if status != 0 or gate == "unit tests":
                print(output if status else output.strip().splitlines()[-1], flush=True)
            if status != 0:
                failed.append(gate)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
