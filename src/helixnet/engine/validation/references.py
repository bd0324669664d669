"""Where a `$ref` may lead: to files of the bundle and nowhere else.

Schemas live under an address of our own, some folders deep, so that a `../` too many shows. A
schema that names itself by ``$id`` may be referred to by that address; files beside it are found
relative to it. Nothing is ever fetched.
"""

from collections.abc import Mapping
from posixpath import dirname, join
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from helixnet.engine.context.model import ContextProblem
from helixnet.engine.output import read_json
from helixnet.engine.validation.places import Places
from helixnet.errors import RejectedError

_ROOT: Final = "http://bundle.invalid/"  # a name that never resolves (RFC 2606), never asked
BASE: Final = _ROOT + "-/" * 24
"""Address of the bundle's folder."""

_Refusal: TypeAlias = tuple[str, str, str]
"""Code, message, hint."""


class References:
    """Gives the validator the bundle's schemas and notes every reference that it must refuse.

    Args:
        document: the schema that is compiled.
        files: the bundle.
        entry: name of the file in which ``document`` stands.
        places: where problems are shown.
    """

    __slots__ = ("_files", "_home", "_ids", "_places", "_start", "base", "problems")

    def __init__(
        self, document: object, *, files: Mapping[str, bytes], entry: str, places: Places
    ) -> None:
        self._files = files
        self._places = places
        self._ids: dict[str, str] | None = None
        self.base = BASE + quote(entry)
        self.problems: list[ContextProblem] = []
        folder = dirname(entry)
        self._start = urljoin(self.base, _own_id(document))
        self._home = (urljoin(self._start, "."), folder)

    def __call__(self, address: str, /) -> Any:
        """Return the schema at an absolute address; one that is refused reads as ``{}``."""
        found = self._name(urldefrag(address).url)
        if isinstance(found, str):
            try:
                return read_json(self._files[found])
            except RejectedError as error:
                found = ("HX-4203", f"{found}: {error}", "Correct the schema.")
        mark = self._places.of_reference(urldefrag(address).url, self._start)
        problem = ContextProblem(mark, *found)
        if problem not in self.problems:
            self.problems.append(problem)
        return {}

    def _name(self, address: str) -> str | _Refusal:
        if address.startswith(BASE):
            name = unquote(address.removeprefix(BASE))
            text = f"a $ref names {name}, which is not in the bundle"
            return name if name in self._files else ("HX-4201", text, "Put it into the bundle.")
        if address.startswith((_ROOT, "file:")):
            text = f"a $ref leads out of the context's folder: {_shown(address)}"
            return ("HX-4202", text, "Put the schema beside the context.")
        prefix, folder = self._home
        beside = join(folder, unquote(address.removeprefix(prefix)))
        if address.startswith(prefix) and beside in self._files:
            return beside
        text = f"a reference leads out of the bundle: {address}"
        hint = "Copy that schema into the bundle and refer to it by its file name."
        return self._by_id().get(address) or ("HX-4204", text, hint)

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
