"""A context with the files that it names: what travels, what is hashed, what is published."""

import hashlib
import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from helixnet.engine.context.archive import MAX_BYTES, MAX_ENTRIES, ArchiveError, unpack
from helixnet.engine.context.model import ContextProblem, Mark
from helixnet.engine.context.named_files import collect, steps_named
from helixnet.engine.context.names import inside
from helixnet.errors import ContextError

MAX_CONTEXT: Final = 1024 * 1024
_SUFFIXES: Final = (".yaml", ".yml")
_IS_CONTEXT = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?helixnet[\"']?[ \t]*:", re.MULTILINE)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A context and its files, by name within the context's folder.

    Args:
        entry: name of the context file; it stands at the root.
        files: contents by name, the context's own included.
        hash: ``sha256:<hex>`` over entry, names and contents: the identity of the bundle.
    """

    entry: str
    files: Mapping[str, bytes] = field(compare=False)
    hash: str

    def to_zip(self) -> bytes:
        """Pack as a zip whose bytes depend on names and contents only.

        Stored, not deflated: compressors differ between versions, and a table may well pack
        better than a stranger's zip is allowed to.
        """
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.comment = self.entry.encode()
            for name in sorted(self.files):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system = 3
                info.external_attr = 0o644 << 16
                archive.writestr(info, self.files[name])
        return buffer.getvalue()


def bundle_from_files(entry: str, files: Mapping[str, bytes]) -> Bundle:
    """Make a bundle of contents at hand; ``entry``'s folder becomes the root.

    Raises:
        ContextError: the entry is missing, a name leads out, or a limit is passed.
    """
    normal: dict[str, bytes] = {}
    for name, content in files.items():
        place = inside(name)
        if place is None:
            raise _refusal(name, "HX-4202", f"`{name}` leads out of the bundle")
        if place in normal:
            raise _refusal(name, "HX-4207", f"`{place}` stands twice in the bundle")
        normal[place] = bytes(content)
    start = inside(entry)
    if start is None or start not in normal:
        raise _refusal(entry, "HX-4207", f"the bundle has no `{entry}`")
    folder = posixpath.dirname(start)
    if folder:
        prefix = folder + "/"
        normal = {
            name.removeprefix(prefix): content
            for name, content in normal.items()
            if name.startswith(prefix)
        }
    return _bundle(posixpath.basename(start), normal)


def bundle_from_zip(data: bytes) -> Bundle:
    """Make a bundle of a zip with one context, at its root or in a folder.

    Raises:
        ContextError: HX-4207 with the reason.
    """
    try:
        files, comment = unpack(data)
    except ArchiveError as error:
        raise _refusal("bundle.zip", error.code, str(error)) from error
    if comment in files:
        return bundle_from_files(comment, files)
    contexts = [name for name, content in sorted(files.items()) if _is_context(name, content)]
    heads = {name: files[name] for name in contexts}
    return bundle_from_files(_only(heads, "bundle.zip", "the zip"), files)


def load_bundle(path: Path) -> Bundle:
    """Load a context file, a folder with one context, or a zip.

    A file or folder takes only the files that the context names, so that neither data nor
    results beside it change its hash.

    Raises:
        ContextError: nothing usable is there (HX-4207), or a name leads out (HX-4202).
    """
    try:
        if path.is_dir():
            return _from_file(_context_in(path))
        if not path.is_file():
            raise _refusal(str(path), "HX-4207", "no such file or folder")
        if path.suffix.lower() == ".zip":
            return bundle_from_zip(_read(path, MAX_BYTES))
        return _from_file(path)
    except OSError as error:
        reason = error.strerror or "can't be read"
        raise _refusal(str(path), "HX-4207", f"can't be read: {reason}") from error


def _context_in(folder: Path) -> Path:
    files = [one for one in sorted(folder.iterdir()) if one.suffix.lower() in _SUFFIXES]
    heads = {one.name: _head(one) for one in files if one.is_file()}
    contexts = {name: head for name, head in heads.items() if _is_context(name, head)}
    return folder / _only(contexts, str(folder), "the folder")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_CONTEXT)


def _is_context(name: str, content: bytes) -> bool:
    return name.lower().endswith(_SUFFIXES) and _IS_CONTEXT.search(content) is not None


def _only(found: Mapping[str, bytes], file: str, where: str) -> str:
    """Return the one context that is there, steps of a pipeline aside."""
    contexts = [*found]
    if len(contexts) > 1:
        used = {step for name in found for step in steps_named(found[name], name)}
        contexts = [name for name in contexts if name not in used]
    if len(contexts) == 1:
        return contexts[0]
    if not contexts:
        hint = "one .yaml file must have `helixnet: 1`"
        raise _refusal(file, "HX-4207", f"{where} has no context", hint)
    named = ", ".join(f"`{one}`" for one in contexts[:5])
    raise _refusal(file, "HX-4207", f"{where} has several contexts: {named}", "name one of them")


def _from_file(path: Path) -> Bundle:
    folder = path.parent.resolve()
    left = MAX_BYTES

    def load(name: str, mark: Mark) -> bytes | None:
        nonlocal left
        try:
            place = (folder / name).resolve()
        except RuntimeError:  # links in a circle
            return None
        if not place.is_relative_to(folder):
            hint = "a link must stay inside the context's folder"
            problem = ContextProblem(mark, "HX-4202", f"`{name}` leads out of the bundle", hint)
            raise ContextError([problem])
        if not place.is_file():
            return None
        content = _read(place, left)
        left -= len(content)
        return content

    files = collect(path.name, _read(path, MAX_CONTEXT), load)
    return _bundle(path.name, files)


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise _refusal(path.name, "HX-4207", f"the file is larger than {limit} bytes")
    return content


def _bundle(entry: str, files: Mapping[str, bytes]) -> Bundle:
    if len(files) > MAX_ENTRIES:
        raise _refusal(entry, "HX-4207", f"the bundle has more than {MAX_ENTRIES} files")
    if sum(map(len, files.values())) > MAX_BYTES:
        raise _refusal(entry, "HX-4207", f"the bundle is larger than {MAX_BYTES} bytes")
    if len(files[entry]) > MAX_CONTEXT:
        hint = "put tables into files of the bundle"
        raise _refusal(entry, "HX-4207", f"the context is larger than {MAX_CONTEXT} bytes", hint)
    digest = hashlib.sha256(_framed(entry.encode()))
    for name in sorted(files):
        digest.update(_framed(name.encode()) + _framed(files[name]))
    return Bundle(entry, dict(files), f"sha256:{digest.hexdigest()}")


def _framed(content: bytes) -> bytes:
    """Length first, so that no two bundles give the same bytes."""
    return len(content).to_bytes(8, "big") + content


def _refusal(file: str, code: str, message: str, hint: str = "") -> ContextError:
    return ContextError([ContextProblem(Mark(file, 1, 1), code, message, hint)])
