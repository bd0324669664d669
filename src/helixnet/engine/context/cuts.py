"""Leaves that YAML cut in two without saying so."""

from collections.abc import Sequence

from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node


def find_cuts(root: Node, lines: Sequence[str], problems: Problems) -> None:
    """Find cut leaves."""
