"""The target schema, compiled once: the authority on what may be written.

All drafts that jsonschema-rs knows (4, 6, 7, 2019-09, 2020-12). Decimals and integers of any size
are compared exactly, measured for ``multipleOf``, bounds, ``const``, ``enum`` and ``uniqueItems``.
``pattern`` runs on an engine of linear time; ``format`` is asserted in every draft for
:data:`helixnet.engine.validation.formats.FORMATS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import jsonschema_rs

from helixnet.engine.context.model import ContextProblem, Mark
from helixnet.engine.validation.explain import Finding, findings, pointer_to
from helixnet.engine.validation.formats import lent_formats
from helixnet.engine.validation.parts import LINEAR
from helixnet.engine.validation.places import Places
from helixnet.engine.validation.plain import plain
from helixnet.engine.validation.references import BASE, References
from helixnet.engine.validation.view import SchemaView, root_view
from helixnet.engine.validation.ways import MAX_WAYS, Ways
from helixnet.errors import ContextError

Schema: TypeAlias = dict[str, object] | bool

_DRAFTS: Final[dict[str, int]] = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft/2019-09/schema": 19,
    "https://json-schema.org/draft/2020-12/schema": 20,
}
_LATEST: Final = "https://json-schema.org/draft/2020-12/schema"
_MASK: Final = "the value"


@dataclass(frozen=True, slots=True)
class Validator:
    """Tells whether a document may be written, and every reason why not.

    Args:
        view: of the whole schema.
    """

    view: SchemaView
    _authority: jsonschema_rs.Validator

    def is_valid(self, document: object) -> bool:
        """Return whether the document, made of the engine's types, meets the schema."""
        try:
            return self._authority.is_valid(document)
        except ValueError:  # a date, which it does not know, or half of a surrogate pair
            return self._authority.is_valid(plain(document))

    def faults(self, document: object) -> list[Finding]:
        """Return every (pointer, code, message, value), in the order of the document's places.

        A missing required property points at the child that is not there. ``value`` is the
        offending value, at most 200 characters of it, or None where nothing is.
        """
        known = plain(document)
        return findings(self._authority.iter_errors(known), known)


def compile_schema(
    document: object, files: Mapping[str, bytes], entry: str, *, mark: Mark | None = None
) -> Validator:
    """Compile a target schema whose references stay within the bundle.

    Args:
        document: the decoded schema; numbers int or Decimal.
        files: the bundle, for ``$ref``.
        entry: the file of the bundle in which ``document`` stands; references start there.
        mark: where problems are shown; the beginning of ``entry`` unless given.

    Raises:
        ContextError: HX-4203 no schema or of an unknown draft, HX-4201 a file is missing, HX-4202
            and HX-4204 a reference leads out of the bundle; all that could be found at once.
    """
    places = Places(document, files=files, mark=mark or Mark(entry, 1, 1))
    draft = _draft(document, places)
    if Ways(document, files).most() > MAX_WAYS:
        text = f"a value would be tested against more than {MAX_WAYS:,} schemas"
        hint = "anyOf, oneOf, allOf and $ref within each other multiply: write them flat"
        raise ContextError([_problem(places.of_pointer(""), text, hint)])
    references = References(document, files=files, entry=entry, places=places)
    schema = cast("Schema", document)  # _draft has refused all else
    try:
        registry = jsonschema_rs.Registry(
            [(references.base, schema)], draft=draft, retriever=references
        )
        authority = jsonschema_rs.validator_for(
            schema,
            base_uri=references.base,
            retriever=references,
            validate_formats=True,
            formats=lent_formats(draft),
            pattern_options=LINEAR,
            mask=_MASK,
        )
        view = root_view(schema, registry=registry, base=references.base, draft=draft)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        broken = _broken(schema, draft, places) or references.problems or _last(error, places)
        raise ContextError([*dict.fromkeys([*references.problems, *broken])]) from error
    if references.problems:
        raise ContextError(references.problems)
    return Validator(view, authority)


def _draft(document: object, places: Places) -> int:
    if isinstance(document, bool):
        return _DRAFTS[_LATEST]
    if not isinstance(document, dict):
        text = "the target schema is neither an object nor true or false"
        raise ContextError([_problem(places.of_pointer(""), text, "Write a JSON Schema.")])
    written = cast("dict[str, object]", document).get("$schema", _LATEST)
    draft = _DRAFTS.get(str(written).removesuffix("#"))
    if draft is None:
        hint = "known are " + ", ".join(_DRAFTS)
        mark = places.of_pointer("/$schema")
        raise ContextError([_problem(mark, f"unknown draft {written}", hint)])
    return draft


def _broken(schema: Schema, draft: int, places: Places) -> list[ContextProblem]:
    """Return everything that the draft's own schema says against a schema."""
    address = next(name for name, number in _DRAFTS.items() if number == draft)
    own = jsonschema_rs.validator_for({"$schema": address, "$ref": address}, mask=_MASK)
    return [
        _problem(places.of_pointer(pointer), f"schema, at {pointer or 'its root'}: {message}")
        for pointer, _, message, _ in findings(own.iter_errors(schema), schema)
    ]


def _last(error: Exception, places: Places) -> list[ContextProblem]:
    """Return what only the authority knew: a pattern it can't run, a place that is not there."""
    message = str(getattr(error, "message", error)).replace(BASE, "")
    pointer = pointer_to(getattr(error, "instance_path", ())) or places.mentioned(message)
    hint = "patterns run in linear time: no look-around, no back-references"
    return [
        _problem(
            places.of_pointer(pointer),
            f"schema, at {pointer or 'its root'}: {message}",
            hint if '"regex"' in message else "Correct the schema.",
        )
    ]


def _problem(mark: Mark, text: str, hint: str = "Correct the schema.") -> ContextProblem:
    return ContextProblem(mark, "HX-4203", text, hint)
