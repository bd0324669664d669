"""The tables of all filters and tests, and of Jinja's that are refused, each with what to write."""

from collections.abc import Mapping
from typing import Final

from helixnet.engine.mapping.filters import (
    date_filters,
    edi_filters,
    list_filters,
    number_filters,
    sap_filters,
    text_filters,
    total_filters,
    value_filters,
)
from helixnet.engine.mapping.filters.spec import FilterSpec, TestSpec

FAMILIES: Final = {
    "Text": text_filters.SPECS,
    "Numbers": number_filters.SPECS,
    "Dates": date_filters.SPECS,
    "Any value": value_filters.SPECS,
    "Lists and objects": list_filters.SPECS,
    "Sums and counts": total_filters.SPECS,
    "SAP": sap_filters.SPECS,
    "EDI": edi_filters.SPECS,
}
FILTERS: Final[Mapping[str, FilterSpec]] = {
    spec.name: spec for family in FAMILIES.values() for spec in family
}
TESTS: Final[Mapping[str, TestSpec]] = {spec.name: spec for spec in value_filters.TEST_SPECS}

_DIRECTIVES: Final = "write a list with each, where and map"
_NO_MARKUP: Final = "HelixNet writes JSON, not markup"
REFUSED_FILTERS: Final[Mapping[str, str]] = {
    "attr": "write .name, or get",
    "batch": _DIRECTIVES,
    "capitalize": "use upper or lower, with substring",
    "center": "use pad_left or pad_right",
    "d": "use or_else, which replaces null and empty too",
    "default": "use or_else, which replaces null and empty too",
    "dictsort": "objects keep their order",
    "e": _NO_MARKUP,
    "escape": _NO_MARKUP,
    "filesizeformat": "use format_number",
    "float": "use decimal, which is exact and strict",
    "forceescape": _NO_MARKUP,
    "format": 'use ~ or "… {{ name }} …", with format_number and format_date',
    "groupby": "use group, which keeps the order and minds the case",
    "indent": "use replace",
    "items": _DIRECTIVES,
    "list": "a list is written by each, or by split",
    "map": 'use each with map, or name a key: sum("amount")',
    "pprint": "use tojson",
    "random": "results never depend on chance; use inputs",
    "reject": "use each with where",
    "rejectattr": "use each with where, or many",
    "reverse": "use sort with reverse=true",
    "safe": _NO_MARKUP,
    "select": "use each with where",
    "selectattr": "use many, or each with where",
    "slice": _DIRECTIVES,
    "string": 'use ~ "", or "{{ name }}"',
    "striptags": _NO_MARKUP,
    "title": "use upper or lower, with substring",
    "truncate": "use substring",
    "urlencode": "use replace",
    "urlize": _NO_MARKUP,
    "wordcount": "use split with length",
    "wordwrap": "use split with substring",
    "xmlattr": _NO_MARKUP,
}
_COMPARE: Final = "compare with =="
_TYPED: Final = "types are declared in source.fields"
REFUSED_TESTS: Final[Mapping[str, str]] = {
    "boolean": _TYPED,
    "callable": "there are no functions",
    "defined": "use is present",
    "divisibleby": "compute with whole numbers before",
    "eq": _COMPARE,
    "equalto": _COMPARE,
    "escaped": _NO_MARKUP,
    "even": "compute with whole numbers before",
    "false": "write not",
    "filter": "filters are checked by helixnet check",
    "float": _TYPED,
    "ge": "compare with >=",
    "greaterthan": "compare with >",
    "gt": "compare with >",
    "in": "write NAME in [..]",
    "integer": _TYPED,
    "iterable": _TYPED,
    "le": "compare with <=",
    "lessthan": "compare with <",
    "lower": "use matches, or compare with NAME | lower",
    "lt": "compare with <",
    "mapping": _TYPED,
    "ne": "compare with !=",
    "none": "use is not present, or == null",
    "number": _TYPED,
    "odd": "compute with whole numbers before",
    "sameas": _COMPARE,
    "sequence": _TYPED,
    "string": _TYPED,
    "test": "tests are checked by helixnet check",
    "true": "write the condition itself",
    "undefined": "use is not present",
    "upper": "use matches, or compare with NAME | upper",
}
