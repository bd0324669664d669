"""Names of files in a bundle: they lead nowhere but into the bundle."""

import posixpath
import re
from collections.abc import Mapping

from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems, near

_DRIVE = re.compile(r"[A-Za-z]:")


def inside(name: str) -> str | None:
    """Normal form of a bundle name, or None when it could lead out of the bundle."""
    if not name or "\\" in name or "\0" in name or name.startswith("/") or _DRIVE.match(name):
        return None
    if "://" in name or ".." in name.split("/"):
        return None
    normal = posixpath.normpath(name)
    return None if normal == "." else normal


def find(name: str, mark: Mark, files: Mapping[str, bytes], problems: Problems) -> str | None:
    """Name of a file that is in the bundle; else HX-4202 or HX-4201 and None."""
    normal = inside(name)
    if normal is None:
        hint = "put the file into the context's folder and name it relative to it"
        problems.add(mark, "HX-4202", f"`{name}` leads out of the bundle", hint)
    elif normal not in files:
        hint = near(normal, set(files) - {mark.file})
        problems.add(mark, "HX-4201", f"`{name}` is not in the bundle", hint)
    else:
        return normal
    return None
