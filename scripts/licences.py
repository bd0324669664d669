"""List the packages that the wheel needs with version and licence: docs/third-party-licences.md."""

import re
from importlib import metadata
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "third-party-licences.md"
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def canonical(name: str) -> str:
    """Write a package name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(root: str) -> set[str]:
    """Follow the requirements of an installed package, extras of the root included."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        for requirement in metadata.requires(name) or []:
            if "extra ==" in requirement and name != root and "cryptography" not in requirement:
                continue
            match = NAME.match(requirement)
            child = canonical(match[0]) if match else ""
            try:
                metadata.distribution(child)
            except metadata.PackageNotFoundError:
                continue
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def licence(name: str) -> str:
    """Tell a package's licence: its SPDX expression, else its classifiers, else its own words."""
    about = metadata.metadata(name)
    stated = about.get("License-Expression") or ""
    classes = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::") and line.count("::") > 1
    ]
    first = (about.get("License") or "see the package").strip().splitlines()[0]
    return stated or ", ".join(classes) or first[:60]


def page() -> str:
    """Make the whole page."""
    rows = [
        f"| {name} | {metadata.version(name)} | {licence(name)} |"
        for name in sorted(needed("helixnet"))
    ]
    head = [
        "# Licences of the packages used",
        "",
        "Made by `make docs` from the locked environment; none of these is part of the repository.",
        "",
        "| package | version | licence |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
