"""What is read without Jinja's parser or lexer is read to the same tree, of the same tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError

from helixnet.engine.context.model import Leaf, Mark
from helixnet.engine.mapping.infer import parse
from helixnet.engine.mapping.infer.literals import ExactEnvironment, plain_tokens
from helixnet.engine.mapping.ir import Op

TEXTS = (
    *("a", "PO_NO", "a.b", "h.PO_NO.x_1", "_line", "l._prev.QTY", "items", "out.items.count"),
    *("inputs.plant", "for", "elif", "set.x", "endif", "block", "recursive.ignore", "macro"),
    *("null", "none", "true", "not", "a.and", "a.is", "x.none", "in", "a.__class__", "__a", "a."),
    *(".a", "a..b", "1a", "a.1", "ä", " a", ".".join("abcdefghijkl")),
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_plain_path_is_what_the_parser_finds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = Leaf(text, Mark("c.yaml", 1, 1))
    found = parse.parse_leaf(leaf, quick := [])
    monkeypatch.setattr(parse, "plain_path", lambda _: None)
    assert (found, quick) == (parse.parse_leaf(leaf, slow := []), slow)


def test_a_code_of_four_digits_is_a_step() -> None:
    """`l.C212.7140` reads as it looks; fewer digits, and what is in brackets, number an item."""
    found = parse.parse_leaf(Leaf("l.C212.7140", Mark("c.yaml", 1, 1)), problems := [])
    assert found is not None
    assert (found.root.op, found.root.data, problems) == (Op.STEP, "7140", [])
    for text in ("l.1", "l.71400", "l[7140]", "l. 7140"):
        found = parse.parse_leaf(Leaf(text, Mark("c.yaml", 1, 1)), [])
        assert found is not None
        assert found.root.op is Op.ITEM


PIECES = st.sampled_from(
    ["a", "PO_NO", " ", "(", ")", "[", "]", "{", "}", "}}", "|", "~", "*", "==", "!=", ">=", "=",
     ".", ":", ",", ";", "-", "/", "%", "'x'", '"a\\n\\u00e9"', '"', "'", "1", "0", "1.10", "012",
     "1_0", "0x1F", "1e5", ".5", "\u00e9", "1a", "\n", "\r", "\\", "#", "{{", "%}", "\u0300", "$"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9).map("".join))
def test_plain_tokens_are_those_of_the_lexer(text: str) -> None:
    quick = plain_tokens(text)
    if quick is None:
        return
    try:
        slow = list(Environment._tokenize(ExactEnvironment(), text, None, None, "variable"))
    except TemplateSyntaxError as error:
        raise AssertionError(text) from error
    assert quick == slow
