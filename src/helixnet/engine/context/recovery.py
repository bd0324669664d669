"""Text to nodes, going on after a line that YAML can't read but that we can correct."""

import yaml

from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, compose, split_lines


def read_nodes(content: bytes, file: str, problems: Problems) -> tuple[Node | None, list[str]]:
    """Read a context's bytes as nodes, with the lines as YAML counts them."""
    text = content.decode("utf-8-sig")
    try:
        return compose(text, file, problems), split_lines(text)
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        line, column = (place.line + 1, place.column + 1) if place else (1, 1)
        problems.add(Mark(file, line, column), "HX-4001", str(error.problem))
        return None, []
