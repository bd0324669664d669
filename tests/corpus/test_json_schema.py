"""JSON-Schema-Test-Suite through our validation: the drafts that people use, remotes included."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helixnet.engine.output import read_json
from helixnet.engine.validation.references import BASE
from helixnet.engine.validation.schema import Validator, compile_schema
from helixnet.errors import ContextError

pytestmark = pytest.mark.corpus

SUITE = "json-schema/json-schema-org__JSON-Schema-Test-Suite"
REMOTE = b"http://localhost:1234/"


def in_bundle(text: bytes) -> bytes:
    """The suite's web server becomes the bundle: there is no other place to refer to."""
    return text.replace(REMOTE, BASE.encode())


def compiled(schema: Any, draft: str, files: Mapping[str, bytes]) -> Validator | None:
    if draft == "draft7" and isinstance(schema, dict):
        schema = {"$schema": "http://json-schema.org/draft-07/schema#"} | schema
    try:
        return compile_schema(schema, files, "schema.json")
    except ContextError:
        return None


def results(root: Path, draft: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, bool]]:
    for file in sorted((root / "tests" / draft).rglob("*.json")):
        name = file.relative_to(root / "tests" / draft).as_posix()
        groups: Any = read_json(in_bundle(file.read_bytes()))
        for group in groups:
            validator = compiled(group["schema"], draft, files)
            for test in group["tests"]:
                case = f"{name}: {group['description']}: {test['description']}"
                yield case, validator is not None and agrees(validator, test)


def agrees(validator: Validator, test: Any) -> bool:
    valid = validator.is_valid(test["data"])
    assert bool(validator.faults(test["data"])) is not valid, "a reason where, and only where, not"
    return valid is test["valid"]


@pytest.mark.parametrize("draft", ["draft7", "draft2020-12"])
def test_validation_agrees_with_the_suite(
    draft: str,
    corpus: Callable[[str], Path],
    agree: Callable[[str, Mapping[str, bool]], None],
) -> None:
    root = corpus(SUITE)
    files = {
        file.relative_to(root / "remotes").as_posix(): in_bundle(file.read_bytes())
        for file in (root / "remotes").rglob("*.json")
    }
    agree(f"json-schema-{draft}", dict(results(root, draft, files)))
