"""Where a `$ref` may lead: to files of the bundle and nowhere else.

Schemas live under an address of our own, some folders deep, so that a `../` too many shows. A
schema that names itself by ``$id`` may be referred to by that address; files beside it are found
relative to it. Nothing is ever fetched.
"""

from collections.abc import Mapping
from posixpath import dirname, join
from typing import Any, Final, cast
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from helixnet.engine.context.model import ContextProblem, Mark
from helixnet.engine.output import read_json
from helixnet.errors import RejectedError

BASE: Final = "bundle://schemas" + "/-" * 24 + "/"
"""Address of the bundle's root."""


class References:
    """Gives the validator the bundle's schemas and notes every reference that it must refuse.

    Args:
        document: the schema that is compiled.
        files: the bundle.
        entry: name of the file in which ``document`` stands.
        mark: where problems are shown.
    """

    __slots__ = ("_files", "_home", "_ids", "_mark", "base", "problems")

    def __init__(
        self, document: object, *, files: Mapping[str, bytes], entry: str, mark: Mark
    ) -> None:
        self._files = files
        self._mark = mark
        self._ids: dict[str, str] | None = None
        self.base = BASE + quote(entry)
        self.problems: list[ContextProblem] = []
        folder = dirname(entry)
        home = urljoin(self.base, _own_id(document))
        self._home = (urljoin(home, "."), folder)

    def __call__(self, address: str, /) -> Any:
        """Return the schema at an absolute address; one that is refused reads as ``{}``."""
        name = self._name(urldefrag(address).url)
        if name is None:
            return {}
        try:
            return read_json(self._files[name])
        except RejectedError as error:
            self._note("HX-4203", f"{name}: {error}", "Correct the schema.")
            return {}

    def _name(self, address: str) -> str | None:
        if address.startswith(BASE):
            return self._within(unquote(address.removeprefix(BASE)))
        if urlsplit(address).scheme in {"bundle", "file"}:
            text = f"a $ref leads out of the context's folder: {_shown(address)}"
            return self._note("HX-4202", text, "Put the schema beside the context.")
        prefix, folder = self._home
        beside = join(folder, unquote(address.removeprefix(prefix)))
        if address.startswith(prefix) and beside in self._files:
            return beside
        known = self._by_id().get(address)
        if known is not None:
            return known
        return self._note(
            "HX-4204",
            f"a reference leads out of the bundle: {address}",
            "Copy that schema into the bundle and refer to it by its file name.",
        )

    def _within(self, name: str) -> str | None:
        if name in self._files:
            return name
        return self._note(
            "HX-4201", f"a $ref names {name}, which is not in the bundle", "Put it into the bundle."
        )

    def _note(self, code: str, message: str, hint: str) -> None:
        problem = ContextProblem(self._mark, code, message, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def _by_id(self) -> dict[str, str]:
        if self._ids is None:
            self._ids = {}
            for name in sorted(self._files):
                if name.endswith(".json") and (own := _read_id(self._files[name])):
                    self._ids.setdefault(urldefrag(own).url, name)
        return self._ids


def _shown(address: str) -> str:
    return address if address.startswith("file:") else unquote(urlsplit(address).path.strip("-/"))


def _own_id(document: object) -> str:
    if not isinstance(document, dict):
        return ""
    members = cast("dict[str, object]", document)  # JSON objects have text keys
    own = members.get("$id", members.get("id"))
    return own if isinstance(own, str) else ""


def _read_id(data: bytes) -> str:
    try:
        return _own_id(read_json(data))
    except RejectedError:
        return ""
