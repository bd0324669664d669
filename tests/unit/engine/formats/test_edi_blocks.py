"""Interchanges longer than what is read at a time."""

import pytest

from helixnet.engine.formats.grammar import load_grammar
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import load, source

ORDER = b"UNH+%d+ORDERS:D:96A:UN'%sBGM+220+%d+9'%sUNT+3+%d'%s"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_messages_are_found_wherever_a_block_ends(end: bytes) -> None:
    """What is cut in a block's end, line ends between messages too, is met again in the next."""
    messages = b"".join(ORDER % (n, end, n, end, n, end) for n in range(1, 4001))
    data = b"UNB+UNOC:3+A+B+261127:1015+1'" + end + messages + b"UNZ+4000+1'" + end
    contract = source("edifact", type="ORDERS")
    for chunk in (66_000, 66_001, 66_002, 70_003):
        outcome = load(data, contract, grammar=load_grammar(contract, {}), chunk=chunk)
        assert len(outcome.records) == 4000
        assert outcome.codes == {}


def test_what_stands_outside_of_messages_is_seen_wherever_a_block_ends() -> None:
    data = b"UNB+UNOC:3+A+B+261127:1015+1'FTX+AAI+++stray'"
    data += ORDER % (1, b"", 1, b"", 1, b"") + b"UNZ+1+1'"
    contract = source("edifact", type="ORDERS")
    for chunk in range(1, len(data)):
        with pytest.raises(RefusedError) as refused:
            load(data, contract, grammar=load_grammar(contract, {}), chunk=chunk)
        assert refused.value.code == "HX-5013"
