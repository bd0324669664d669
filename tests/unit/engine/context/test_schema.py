"""The editors' JSON Schema and the reader know the same keys and take the same contexts."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from helixnet.engine.context.field_reader import TYPES
from helixnet.engine.context.keys import DIRECTIVES, KEYS
from helixnet.engine.context.locales import LOCALES
from helixnet.engine.context.source_reader import DRIFT, FORMATS, THOUSANDS

ROOT = Path(__file__).parents[4]
SCHEMA = json.loads((ROOT / "schemas" / "context.schema.json").read_text("utf-8"))
CONTEXTS = sorted((Path(__file__).parent / "contexts").glob("*.yaml"))


def test_each_section_has_the_reader_s_keys_and_no_others() -> None:
    sections = {name: SCHEMA["$defs"][name] for name in KEYS}
    assert {name: sorted(one["properties"]) for name, one in sections.items()} == {
        name: sorted(keys) for name, keys in KEYS.items()
    }
    assert all(one["additionalProperties"] is False for one in sections.values())


def test_the_directives_are_the_reader_s() -> None:
    nodes = {name: set(SCHEMA["$defs"][name]["properties"]) for name in ("each", "when", "object")}
    assert nodes["each"] | nodes["when"] | nodes["object"] | {"const"} == set(DIRECTIVES)
    plain = SCHEMA["$defs"]["node"]["anyOf"][-1]
    assert plain["propertyNames"]["not"]["enum"] == list(DIRECTIVES)


def test_the_closed_lists_are_the_reader_s() -> None:
    source = SCHEMA["$defs"]["source"]["properties"]
    assert source["format"]["enum"] == list(FORMATS)
    assert source["on_drift"]["enum"] == list(DRIFT)
    assert source["thousands"]["enum"] == ["", *THOUSANDS]
    assert source["locale"]["enum"] == list(LOCALES)
    assert SCHEMA["$defs"]["type"]["enum"] == list(TYPES)


@pytest.mark.parametrize("path", CONTEXTS, ids=lambda path: path.stem)
def test_a_good_context_meets_the_schema(path: Path) -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    validator = jsonschema_rs.validator_for(SCHEMA)
    document = yaml.safe_load(path.read_text("utf-8"))
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"helixnet": 2},
        {"checkz": []},
        {"template": "x.j2"},
        {"map": {"a": {"when": "x"}}},
        {"map": {"a": {"when": "x", "b": "y"}}},
        {"source": {"format": "cobol"}},
        {"source": {"format": "csv", "fields": {"A": {"typ": "date"}}}},
        {"tests": [{"name": "a", "input": "b"}]},
        {"lookups": {"u": {"inline": {}, "file": "a"}}},
    ],
)
def test_a_bad_context_does_not(change: dict[str, object]) -> None:
    good = {"helixnet": 1, "name": "a", "version": "1.0.0", "target": True}
    good |= {"source": {"format": "csv"}, "map": {"a": "x"}}
    validator = jsonschema_rs.validator_for(SCHEMA)
    assert validator.is_valid(good)
    assert not validator.is_valid(good | change)
