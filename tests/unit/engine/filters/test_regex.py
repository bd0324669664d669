"""Regular expressions: one subset, linear time, ECMA-262's meaning where it is claimed."""

import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.mapping.regex import full_matcher, json_pattern
from helixnet.engine.values.faults import ValueFault


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("[A-Z]{2}-\\d+", "AB-12", True),
        ("[A-Z]{2}-\\d+", "xAB-12", False),
        ("[A-Z]{2}-\\d+", "AB-12\n", False),
        ("\\d", "٣", False),
        ("\\w+", "é", False),
        ("\\s", "\v", True),
        ("[\\s]+", "\v ", True),
        ("\\S", "\v", False),
        ("(?:ab|c)*", "abcab", True),
        ("a.c", "a\nc", False),
        ("(?s)a.c", "a\nc", True),
        ("(?i)äb", "ÄB", True),
        ("^x$", "x", True),
        ("x$", "x\n", False),
        ("", "", True),
        ("\\x{20AC}|\\x41", "€", True),
        ("(a+)+b", "a" * 50_000, False),
        ("(?:ab)+", "ab\ud800", False),
    ],
)
def test_a_match_is_of_the_whole_text(pattern: str, text: str, matches: object) -> None:
    assert bool(full_matcher(pattern)(text)) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)", "looking around"),
        ("(?<!a)b", "looking around"),
        ("(a)\\1", "back references"),
        ("\\p{L}", "Unicode classes"),
        ("a{", "literal {"),
        ("}", "literal }"),
        ("[]", "class"),
        ("[a[b]]", "class"),
        ("[a", "class"),
        ("[a&&b]", "&&"),
        ("*a", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a(?i)b", "first"),
        ("(?x)a", "groups"),
        ("(?P<n>a)", "groups"),
        ("\\u0041", "not supported"),
        ("\\Qa\\E", "not supported"),
        ("(a", "missing"),
        ("a)", "unexpected"),
        ("[z-a]", "range"),
        ("a{5,2}", "repetition"),
        ("(a{1000}){1000}", "repetition"),
        ("a" * 3000, "longer"),
        ("\\", "can't be read"),
    ],
)
def test_what_is_outside_the_subset_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueFault, match=re.escape(reason)) as caught:
        full_matcher(pattern)
    assert caught.value.code == "HX-4105"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^[A-Z]{3}$", "EUR", True),
        ("^[A-Z]{3}$", "EUR\n", False),
        ("^a.c$", "a\u2028c", False),
        ("^.{1,3}$", "😀😀😀", True),
        ("^(a|b)+$", "abab", True),
        ("a\\/b", "a/b", True),
        ("^[\\-a]+$", "-a", True),
    ],
)
def test_a_json_pattern_is_found_anywhere(pattern: str, text: str, found: object) -> None:
    search = json_pattern(pattern)
    assert search is not None
    assert bool(search(text)) is found


@pytest.mark.parametrize(
    "pattern",
    [
        "\\s",
        "[^]",
        "[]",
        "(?i)a",
        "\\-",
        "\\p{L}",
        "(?=a)",
        "\\cA",
        "\\u0041",
        "[[:alpha:]]",
        "\\bx",
    ],
)
def test_a_json_pattern_of_unsure_meaning_is_left_to_the_validator(pattern: str) -> None:
    assert json_pattern(pattern) is None


def test_what_a_json_pattern_accepts_the_validator_accepts() -> None:
    """A fast path may only accept: what it finds, the authority must find too."""
    patterns = [
        r"^\D$",
        r"^\d$",
        r"^\w$",
        r"^\W$",
        r"^[\W]$",
        r"^.$",
        r"a$",
        r"^[^a]$",
        r"^\f\r\n$",
    ]
    patterns += [r"^[\-a]$", r"^\/$", r"^[\d.]+$", "$^", "^[$]$", "^(?:a|b){2,3}$", "x*", r"^\x41$"]
    texts = [
        "",
        "٣",
        "1",
        "é",
        "a",
        "_",
        "\u2028",
        "\n",
        "\r",
        "\f\r\n",
        "😀",
        "A",
        "ab",
        "aab",
        "a\n",
    ]
    texts += ["-", "/", "1.5", "$", "\v", "\x85", "\ufeff"]
    for pattern in patterns:
        search = json_pattern(pattern)
        assert search is not None
        authority = jsonschema_rs.validator_for({"pattern": pattern})
        accepted = [text for text in texts if search(text)]
        assert [text for text in accepted if not authority.is_valid(text)] == []


pieces = st.sampled_from(
    [
        "a",
        "b",
        "[ab]",
        "[^a]",
        ".",
        "\\d",
        "\\w",
        "a?",
        "b*",
        "[ab]{1,2}",
        "(a|b)",
        "(?:ab)+",
        "^",
        "$",
    ]
)


@given(st.lists(pieces, max_size=6).map("".join), st.text(alphabet="ab1_\n-", max_size=8))
def test_both_engines_agree_with_a_third(pattern: str, text: str) -> None:
    """Whichever engine is chosen, it answers as Python's ``re`` does on these small cases."""
    python = pattern.replace("$", "\\Z")
    try:
        match, search = full_matcher(pattern), json_pattern(pattern)
    except ValueFault:
        return
    assert bool(match(text)) is (re.fullmatch(python, text, re.ASCII) is not None)
    assert search is not None
    ecma = python.replace(".", "[^\\n\\r\u2028\u2029]")
    assert bool(search(text)) is (re.search(ecma, text, re.ASCII) is not None)


@given(st.text(alphabet="ab\\[](){}*+?|.^$-&dsx1,:i<=!\n", max_size=12))
def test_any_pattern_compiles_or_is_refused(pattern: str) -> None:
    code = "HX-4105"
    try:
        full_matcher(pattern)("ab1")
    except ValueFault as fault:
        code = fault.code
    assert code == "HX-4105"
    json_pattern(pattern)
