"""The language of ``template: NAME.j2``: plain Jinja2 in a sandbox, with our filters and no chance.

Templates see the record, the group's names, vars, lookups and inputs. Our filters and tests win
over Jinja's; undefined names are errors; there is no clock and no chance; floats are refused where
they would be written. Only values of the language can be written: null as ``null``, booleans as
``true`` and ``false``, numbers and dates in their canonical form, lists and objects as JSON.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, DecimalException
from functools import partial
from typing import Any, Final, cast

from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    nodes,
    pass_context,
)
from jinja2 import TemplateSyntaxError as SyntaxFault
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.filters.registry import FILTERS, REFUSED_FILTERS, TESTS
from helixnet.engine.mapping.filters.spec import FilterSpec, TestSpec
from helixnet.engine.mapping.filters.value_filters import look_up_on
from helixnet.engine.output import json_text
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown

_GUESSING: Final = ("float", "random", "groupby", "dictsort", "filesizeformat", "pprint", "urlize")
_CHANCE: Final = ("lipsum",)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which ``.`` is key first and an absent field is undefined."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return ``obj.attribute``: of an object its field, whatever methods a dict has."""
        if isinstance(obj, dict) and attribute in obj:
            return self.getitem(cast("object", obj), attribute)  # keys of objects are texts
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return ``obj[argument]``; absent is undefined."""
        found: object = super().getitem(obj, argument)
        return self.undefined(name=str(argument)) if found is ABSENT else found


def environment(
    files: Mapping[str, bytes], lookups: Mapping[str, Lookup] | None = None
) -> TemplateEnvironment:
    """Return the environment in which the templates among ``files`` run.

    Args:
        files: of the bundle; nothing outside it can be included.
        lookups: tables for the filter ``lookup``, and as ``lookups.NAME`` (by key text, or by
            tuple of key texts where there are several keys).
    """
    tables = lookups or {}
    env = TemplateEnvironment(
        loader=FunctionLoader(partial(_read, files)),
        undefined=StrictUndefined,
        autoescape=False,  # JSON is written, no markup
        finalize=_written,
        auto_reload=False,
        optimized=False,  # nothing of a template is computed before the limits are in force
    )
    for name in _GUESSING:
        env.filters[name] = _refused(name)
    for name in _CHANCE:
        del env.globals[name]
    for name, spec in FILTERS.items():
        env.filters[name] = _lookup_filter(spec, tables) if name == "lookup" else _filter(spec)
    # Jinja's types admit only its own tests and globals
    cast("dict[str, object]", env.tests).update({n: _test(spec) for n, spec in TESTS.items()})
    cast("dict[str, object]", env.globals)["lookups"] = {
        name: dict(table.rows) for name, table in tables.items() if not table.dated
    }
    return env


def template_problems(files: Mapping[str, bytes], entry: str) -> list[tuple[str, int, str, str]]:
    """Find what is wrong in a template and in all that it includes, without data.

    Returns:
        (file, line, message, hint) of each problem; an entry that is not in the bundle has line 0.
    """
    env = environment(files)
    found: list[tuple[str, int, str, str]] = []
    waiting, seen = [(entry, entry, 0)], {entry}
    while waiting:
        name, by, line = waiting.pop()
        try:
            tree = env.parse(_read(files, name)[0], name)
            env.compile(tree, name, name)
        except TemplateNotFound:
            found.append((by, line, f"{name} is not in the bundle", "put it beside the context"))
        except SyntaxFault as error:
            found.append((name, error.lineno, error.message or "syntax error", ""))
        except RecursionError:
            found.append((name, 1, "the template is nested too deep", ""))
        else:
            found += [(name, *rest) for rest in _refusals(tree)]
            for child, where in _includes(tree):
                if child not in seen:
                    seen.add(child)
                    waiting.append((child, name, where))
    return found


def _refusals(tree: nodes.Template) -> Iterator[tuple[int, str, str]]:
    for node in tree.find_all(nodes.Filter):
        if node.name in _GUESSING:
            yield node.lineno, f"the filter {node.name} is refused", REFUSED_FILTERS[node.name]
    for node in tree.find_all(nodes.Const):
        if isinstance(node.value, float):
            text = f"{node.value} would be a float, which is not exact"
            yield node.lineno, text, f'write "{node.value}" | decimal'


def _includes(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in tree.find_all(kinds):
        if isinstance(node, nodes.Include) and node.ignore_missing:
            continue
        named = node.template
        if isinstance(named, nodes.Const) and isinstance(named.value, str):
            yield named.value, node.lineno


def _read(files: Mapping[str, bytes], name: str) -> tuple[str, str, Callable[[], bool]]:
    """Return (text, file name, up to date) as Jinja asks."""
    if name not in files:
        raise TemplateNotFound(name)
    try:
        return files[name].decode("utf-8-sig"), name, lambda: True
    except UnicodeDecodeError as error:
        raise SyntaxFault("the template is not UTF-8", 1, name, name) from error


@pass_context  # so that Jinja does not compute constants while it compiles
def _written(_context: Context, value: Any) -> Any:
    """Return what ``{{ value }}`` writes."""
    if isinstance(value, str | Undefined):
        return value
    if value is None or isinstance(value, bool):
        return json_text(value)
    if isinstance(value, int | Decimal | date):
        return as_text(value)
    if isinstance(value, list | dict):
        return json_text(cast("object", value))  # what is in it is checked there
    hint = 'numbers such as "1.1" | decimal are exact' if isinstance(value, float) else ""
    text = f"a value of type {type(value).__name__} can't be written"
    raise ValueFault("HX-2008", text, None, hint)


def _nothing(value: object) -> bool:
    return value is None or value is ABSENT or isinstance(value, Undefined)


def _filter(spec: FilterSpec) -> Callable[..., Any]:
    """Return a filter as Jinja calls it: undefined stands for absent, both ways."""

    def apply(given: Any, *args: Any, **named: Any) -> Any:
        if spec.passes_null and _nothing(given):
            return given
        value = ABSENT if isinstance(given, Undefined) else given
        if isinstance(value, Iterator):  # what Jinja's map, select and reject give
            value = list(cast("Iterator[object]", value))
        if spec.selects:
            pairs = dict(zip(args[::2], args[1::2], strict=True))
            return _result(spec.name, given, spec.function(value, {**pairs, **named}))
        arguments = spec.arrange(args, named)
        if spec.passes_null and any(
            _nothing(arg) and (arg is not None or param.default is not None)
            for param, arg in zip(spec.params, arguments, strict=False)
        ):
            return None
        return _result(spec.name, given, spec.function(value, *arguments))

    return apply


def _lookup_filter(spec: FilterSpec, tables: Mapping[str, Lookup]) -> Callable[..., Any]:
    def apply(value: Any, table: str, *keys: Any, on: Any = None) -> Any:
        if _nothing(value):
            return value
        if table not in tables:
            raise ValueFault("HX-2008", f"unknown lookup {shown(table)}", None)
        keys = tuple(None if _nothing(key) else key for key in keys)
        if tables[table].dated:
            return look_up_on(value, tables[table], None if _nothing(on) else on, *keys)
        return spec.function(value, tables[table], *keys)

    return apply


def _test(spec: TestSpec) -> Callable[[Any], bool]:
    return lambda value: spec.function(ABSENT if isinstance(value, Undefined) else value)


def _result(name: str, given: Any, value: Any) -> Any:
    if value is not ABSENT:
        return value
    return given if isinstance(given, Undefined) else StrictUndefined(f"{name} gave nothing")


def _refused(name: str) -> Callable[..., Any]:
    def apply(_value: Any, *_args: Any, **_named: Any) -> Any:
        text = f"the filter {name} is refused"
        raise ValueFault("HX-2008", text, None, REFUSED_FILTERS[name])

    return apply


def render(template: Template, record: Mapping[str, Any], limit: int) -> str:
    """Render one record.

    Args:
        template: from :func:`environment`.
        record: the names that the template sees; those that are absent are undefined.
        limit: most bytes of output, as UTF-8.

    Raises:
        ValueFault: HX-6005 too much output or memory, HX-2008 anything that the template does
            wrong, or the fault of a filter.
    """
    seen = {name: value for name, value in record.items() if value is not ABSENT}
    try:
        return _joined(template.generate(seen), limit)
    except ValueFault:
        raise
    except MemoryError as error:
        raise ValueFault("HX-6005", "the template needs too much memory") from error
    except Exception as error:
        raise ValueFault("HX-2008", _explained(error, template.name or "")) from error


def _joined(pieces: Iterator[str], limit: int) -> str:
    written: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece) if piece.isascii() else len(piece.encode())
        if size > limit:
            raise ValueFault("HX-6005", f"the template writes more than {limit:,} bytes")
        written.append(piece)
    return "".join(written)


def _explained(error: Exception, place: str) -> str:
    """Say where in which template it went wrong, and how; Jinja puts its files into the trace."""
    frames = error.__traceback__
    while frames is not None:
        if "__jinja_exception__" in frames.tb_frame.f_globals:
            place = f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}"
        frames = frames.tb_next
    if isinstance(error, TemplateError):
        return f"{place}: {error.message or type(error).__name__}"
    if isinstance(error, RecursionError):
        return f"{place}: nested too deep"
    if isinstance(error, DecimalException):
        return f"{place}: a result is not exact, or has more than 38 digits"
    return f"{place}: {type(error).__name__}: {error}"
