"""What a filter or a test says of itself: enough to type it, call it, document it and test it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.compare import type_name
from helixnet.engine.values.faults import ValueFault, shown


class Required(Enum):
    """The type of :data:`REQUIRED`."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED
Gives: TypeAlias = Callable[[Kind, Mapping[str, object]], Kind]


@dataclass(frozen=True, slots=True)
class Param:
    """One argument, given by position or name.

    Args:
        takes: kinds that fit; ANY takes all.
        default: value when left out; REQUIRED = it must be given.
        constant: it must be a literal, so that it is checked and compiled once.
        keyword: it is given by name only.
    """

    name: str
    takes: frozenset[Kind]
    doc: str
    default: object = REQUIRED
    constant: bool = False
    keyword: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One call and what comes of it: printed in docs/filters.md and run as a test.

    Args:
        result: what comes out; ignored when ``fault`` is set.
        fault: code of the :class:`~helixnet.engine.values.faults.ValueFault` that it raises.
    """

    value: object
    args: Sequence[object] = ()
    result: object = None
    fault: str = ""
    named: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """A filter: ``value | name(args)`` calls ``function(value, *args)``.

    The arguments go in by position, in the order of ``params``: see :meth:`arrange`.

    Args:
        function: plain function; with ``passes_null`` it never sees null or absent, neither as
            the value nor as an argument: with such a value that is the result, with such an
            argument the result is null.
        takes: kinds of the value that fit; ANY takes all.
        gives: kind of the result, or a function of the value's kind and the literal arguments
            by parameter name.
        params: in order.
        more: kinds of any further positional arguments; None = there are none.
        selects: takes conditions instead of ``params``: ``NAME=value``, or pairs
            ``"NAME", value``; the compiler calls ``function(value, {name: value})``.
        bind: where given and all arguments are literals, the compiler calls ``bind(*args)`` once
            (all parameters filled in, by position) and then the returned function of the value
            alone; a bad argument raises ValueFault HX-4105.
        nulls: what null and absent do, where ``passes_null`` is not the whole story.
    """

    name: str
    function: Callable[..., Any]
    takes: frozenset[Kind]
    gives: Kind | Gives
    doc: str
    params: Sequence[Param] = ()
    more: frozenset[Kind] | None = None
    selects: bool = False
    passes_null: bool = True
    bind: Callable[..., Callable[[Any], Any]] | None = None
    nulls: str = ""
    examples: Sequence[Example] = ()

    def kind(self, value: Kind, literals: Mapping[str, object]) -> Kind:
        """Return the kind of the result for a value of kind ``value``."""
        return self.gives if isinstance(self.gives, Kind) else self.gives(value, literals)

    def arrange(self, args: Sequence[object], named: Mapping[str, object]) -> list[object]:
        """Return all arguments by position, defaults filled in.

        Raises:
            ValueFault: HX-4105 too few, too many, or an unknown name.
        """
        names = [param.name for param in self.params]
        given = dict(zip(names, args, strict=False)) | dict(named)
        wrong = given.keys() - names
        missing = [p.name for p in self.params if p.default is REQUIRED and p.name not in given]
        if len(args) > len(names) or wrong or missing or named.keys() & names[: len(args)]:
            what = ", ".join((*sorted(wrong), *missing)) or "too many or doubled arguments"
            text = f"{self.name} takes {', '.join(names) or 'no argument'}: {what}"
            raise ValueFault("HX-4105", text)
        return [given.get(param.name, param.default) for param in self.params]


@dataclass(frozen=True, slots=True)
class TestSpec:
    """A test: ``value is name`` calls ``function(value)``, null and absent included."""

    __test__ = False

    name: str
    function: Callable[[object], bool]
    doc: str
    examples: Sequence[Example] = ()


def misfit(name: str, takes: frozenset[Kind], value: object) -> ValueFault:
    """Return the fault for a value of a type that the filter ``name`` does not take."""
    kinds = " or ".join(sorted(takes))
    text = f"{name} takes {kinds}, not {shown(value)} ({type_name(value)})"
    return ValueFault("HX-2005", text, value, "convert it first; nothing is guessed")
