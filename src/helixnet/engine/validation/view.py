"""One place of the target schema with its references resolved, as the compiler asks about it.

A view is a conjunction of schema objects (``$ref`` with its siblings, ``allOf``) and of groups of
alternatives (``anyOf``, ``oneOf``, ``if``). What it says is never stricter than the schema: the
authority on validity stays :class:`helixnet.engine.validation.schema.Validator`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias, cast
from urllib.parse import urljoin

from jsonschema_rs import ReferencingError, Registry, Resolver

from helixnet.engine.validation.parts import (
    NEVER,
    OPAQUE,
    Part,
    Schema,
    Step,
    both,
    either,
    exact,
    item_schemas,
    keyed,
    members,
    other_than_null,
    property_schemas,
    scale_of,
)

_LAST_WITHOUT_SIBLINGS: Final = 7
"""Up to this draft the keywords beside a ``$ref`` are ignored."""

_Seen: TypeAlias = tuple[str, str]
"""Base address and reference: what was entered already."""


@dataclass(frozen=True)
class SchemaView:
    """What the schema says about one place of the document.

    Args:
        parts: schema objects that all hold.
        groups: of each group, one view or more holds.
    """

    parts: Sequence[Part]
    groups: Sequence[Sequence["SchemaView"]] = ()

    @cached_property
    def types(self) -> frozenset[str] | None:
        """The JSON types that may stand here; None = any."""
        found: frozenset[str] | None = None
        for part in self.parts:
            found = both(found, part.types)
        for group in self.groups:
            found = both(found, either([view.types for view in group]))
        return found

    @cached_property
    def nullable(self) -> bool:
        """Whether null may stand here."""
        return all(part.nullable for part in self.parts) and all(
            any(view.nullable for view in group) for group in self.groups
        )

    @cached_property
    def format(self) -> str | None:
        """The format that a text must have, if one is asked."""
        return next((text for text in self._written("format") if isinstance(text, str)), None)

    @cached_property
    def scale(self) -> int | None:
        """Most digits after the point that ``multipleOf`` leaves; None = any."""
        scales = [scale_of(step) for step in self._written("multipleOf")]
        return min((scale for scale in scales if scale is not None), default=None)

    @cached_property
    def enum(self) -> Sequence[object] | None:
        """The values to which ``enum`` or ``const`` restrict this place, if they do."""
        for part in self.parts:
            null = (None,) if part.or_null else ()
            if "const" in part.schema:
                return (part.schema["const"], *null)
            if "enum" in part.schema:
                return (*members(part.schema["enum"]), *null)
        return None

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the properties that an object here must have."""
        return frozenset(
            str(name) for names in self._written("required") for name in members(names)
        )

    def forbids(self, name: str) -> bool:
        """Tell whether no object that is valid here has the property ``name``."""
        return (
            any(part.forbids(name) for part in self.parts)
            or any(all(view.forbids(name) for view in group) for group in self.groups)
            or (self._unevaluated_closed and self.property(name) is None)
        )

    @cached_property
    def _unevaluated_closed(self) -> bool:
        """Whether properties of which nothing else here speaks are surely forbidden."""
        return (
            any(part.schema.get("unevaluatedProperties") is False for part in self.parts)
            and not any("if" in part.schema for part in self.parts)
            and not self.additional_allowed
        )

    @cached_property
    def additional_allowed(self) -> bool:
        """Whether some branch here takes properties that it does not name."""
        return any(part.schema.get("additionalProperties", False) for part in self.parts) or any(
            view.additional_allowed for group in self.groups for view in group
        )

    @cached_property
    def additional_written(self) -> bool:
        """Whether the schema says something of properties that it does not name."""
        return any(
            name in part.schema
            for part in self.parts
            for name in ("additionalProperties", "unevaluatedProperties")
        ) or any(view.additional_written for group in self.groups for view in group)

    @cached_property
    def names(self) -> Sequence[str]:
        """Every property that is named here, in the order written."""
        found = dict.fromkeys(
            name for part in self.parts for name in keyed(part.schema.get("properties"))
        )
        for group in self.groups:
            found |= dict.fromkeys(name for view in group for name in view.names)
        return tuple(found)

    def property(self, name: str) -> "SchemaView | None":
        """Return the view of a property; None when the schema does not speak of it."""
        if name not in self._properties:
            self._properties[name] = below(self, property_schemas, name)
        return self._properties[name]

    @cached_property
    def _properties(self) -> dict[str, "SchemaView | None"]:
        """The views of the properties that were asked for."""
        return {}

    @cached_property
    def items(self) -> "SchemaView | None":
        """The view of every item of an array here; None when the schema says nothing of it."""
        return below(self, item_schemas, "")

    @cached_property
    def simple(self) -> bool:
        """Whether every keyword here is one that predicates and the compiler can decide."""
        return not self.groups and all(part.simple for part in self.parts)

    def _written(self, keyword: str) -> Iterator[object]:
        return (part.schema[keyword] for part in self.parts if keyword in part.schema)


ANYTHING: Final = SchemaView(())


def below(view: SchemaView, step: Step, name: str) -> SchemaView | None:
    """Return what a view says one level further down, or None when it says nothing there."""
    found = _Gathered()
    for part in view.parts:
        for schema in step(part, name):
            found.add(schema, part.resolver, part.draft)
    for group in view.groups:
        branches = [below(branch, step, name) for branch in group]
        if any(branches):
            found.groups.append([branch or ANYTHING for branch in branches])
    return found.view() if found.parts or found.groups else None


def root_view(document: object, *, registry: Registry, base: str, draft: int) -> SchemaView:
    """Return the view of a whole schema that stands in ``registry`` under the address ``base``."""
    return _view(document, registry.resolver(base), draft)


def _view(
    schema: object, resolver: Resolver, draft: int, seen: Collection[_Seen] = ()
) -> SchemaView:
    found = _Gathered(seen=set(seen))
    found.add(schema, resolver, draft)
    return found.view()


@dataclass(slots=True)
class _Gathered:
    """Takes a schema apart into what must hold; a circle of references is entered once."""

    parts: list[Part] = field(default_factory=list[Part])
    groups: list[Sequence[SchemaView]] = field(default_factory=list[Sequence[SchemaView]])
    seen: set[_Seen] = field(default_factory=set[_Seen])

    def view(self) -> SchemaView:
        return SchemaView(tuple(self.parts), tuple(self.groups))

    def add(self, schema: object, resolver: Resolver, draft: int) -> None:
        rest = dict(_written(schema))
        reference = rest.pop("$ref", None)
        alone = isinstance(reference, str) and draft <= _LAST_WITHOUT_SIBLINGS
        try:
            resolver = resolver if alone else _moved(resolver, rest)
        except ReferencingError:
            rest = dict(OPAQUE)
        if isinstance(reference, str):
            self._follow(reference, resolver, draft)
        if alone:
            return
        for item in members(rest.pop("allOf", None)):
            self.add(item, resolver, draft)
        for name in ("anyOf", "oneOf"):
            self._alternatives(members(rest.pop(name, None)), resolver, draft)
        self._conditions(rest, resolver, draft)
        self.parts.append(Part(rest, resolver, draft))

    def _follow(self, reference: str, resolver: Resolver, draft: int) -> None:
        mark = (resolver.base_uri, reference)
        if mark in self.seen:
            return
        self.seen.add(mark)
        try:
            target = resolver.lookup(reference)
        except ReferencingError:  # what the authority finds, a registry may not
            self.parts.append(Part(OPAQUE, resolver, draft))
            return
        # the resolver stands at the target's own $id already
        self.add(exact(target.contents, without="$id"), target.resolver, target.draft)

    def _alternatives(self, branches: Sequence[object], resolver: Resolver, draft: int) -> None:
        if not branches:
            return
        other = other_than_null(branches)
        if other is None:
            self.groups.append([_view(branch, resolver, draft, self.seen) for branch in branches])
            return
        optional = _view(other, resolver, draft, self.seen)
        self.parts += [part.with_null() for part in optional.parts]
        self.groups += [[*group, ANYTHING] for group in optional.groups]

    def _conditions(self, rest: Schema, resolver: Resolver, draft: int) -> None:
        if "if" in rest:
            pair = (rest.get("then", True), rest.get("else", True))
            self.groups.append([_view(schema, resolver, draft, self.seen) for schema in pair])
        for name in ("dependentSchemas", "dependencies"):
            for schema in keyed(rest.get(name)).values():
                if isinstance(schema, dict):
                    self.groups.append(
                        [_view(cast("object", schema), resolver, draft, self.seen), ANYTHING]
                    )


def _written(schema: object) -> Schema:
    if isinstance(schema, dict):
        return cast("Schema", schema)  # a JSON object has text keys
    return {} if schema is True else NEVER


def _moved(resolver: Resolver, schema: Schema) -> Resolver:
    own = schema.get("$id")
    if not isinstance(own, str) or own.startswith("#"):
        return resolver
    return resolver.lookup(urljoin(resolver.base_uri, own)).resolver
