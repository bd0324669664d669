"""Dead letters: kept once, told once, put back once, in every ledger."""

from dataclasses import replace

import pytest

from helixnet.errors import ConflictError, NotFoundError
from helixnet.events import Topic
from helixnet.ledger.dead import (
    RECORD_DEAD,
    RECORD_REQUEUED,
    UNREADABLE,
    Letter,
    bury,
    get_letter,
    list_letters,
    requeue,
)
from helixnet.ledger.outbox import read_topic
from helixnet.ledger.retention import clean
from tests.contract.ledger.driving import Driver

pytestmark = pytest.mark.contract


def letter(number: int, *, topic: str = Topic.PARTS, value: bytes | None = b"\xff") -> Letter:
    return Letter(
        id=f"letter-{number}",
        topic=topic,
        partition=1,
        offset=number,
        key=None,
        value=value,
        headers=[["ce_id", "//4="], ["none", None]],
        error="UnicodeDecode",
        reason="not UTF-8",
    )


async def test_a_letter_is_kept_and_told_once(hx: Driver) -> None:
    """A record that is read again, after a crash or by another group, is the same letter."""
    assert await hx.ledger.do(lambda conn: bury(conn, [letter(1), letter(2)])) == 2
    assert await hx.ledger.do(lambda conn: bury(conn, [letter(2), letter(3)])) == 1
    kept = await hx.ledger.read(list_letters)
    assert [item.letter.id for item in kept] == ["letter-3", "letter-2", "letter-1"]
    assert kept[0].letter == letter(3)
    told = await hx.ledger.read(lambda conn: read_topic(conn, Topic.DEAD, 0))
    assert [item.event.id for item in told] == ["letter-1", "letter-2", "letter-3"]
    assert told[0].event.type == RECORD_DEAD
    assert told[0].event.data["value"] == "/w=="


async def test_a_large_letter_is_whole_in_the_ledger_alone(hx: Driver) -> None:
    """An event is at most 64 KiB; a record may be a megabyte."""
    large = letter(1, value=b"x" * (1 << 20))
    await hx.ledger.do(lambda conn: bury(conn, [large]))
    assert (await hx.ledger.read(lambda conn: get_letter(conn, "letter-1"))).letter == large
    (told,) = await hx.ledger.read(lambda conn: read_topic(conn, Topic.DEAD, 0))
    assert "value" not in told.event.data
    assert told.event.data["size"] == 1 << 20


async def test_a_letter_is_put_back_once(hx: Driver) -> None:
    await hx.ledger.do(lambda conn: bury(conn, [letter(1)]))
    await hx.ledger.do(lambda conn: requeue(conn, "letter-1", by="admin"))
    kept = await hx.ledger.read(lambda conn: get_letter(conn, "letter-1"))
    assert kept.by == "admin"
    assert kept.requeued
    with pytest.raises(ConflictError, match="admin"):
        await hx.ledger.do(lambda conn: requeue(conn, "letter-1", by="other"))
    with pytest.raises(NotFoundError):
        await hx.ledger.do(lambda conn: requeue(conn, "letter-9", by="admin"))
    (told,) = await hx.ledger.read(lambda conn: read_topic(conn, Topic.PARTS, 0))
    assert told.event.type == RECORD_REQUEUED
    assert told.event.data["letter"] == "letter-1"


async def test_what_could_not_be_read_can_not_be_put_back(hx: Driver) -> None:
    unread = replace(letter(1, value=None), error=UNREADABLE)
    await hx.ledger.do(lambda conn: bury(conn, [unread]))
    with pytest.raises(ConflictError, match="no bytes"):
        await hx.ledger.do(lambda conn: requeue(conn, "letter-1", by="admin"))


async def test_letters_are_read_by_page_and_topic(hx: Driver) -> None:
    many = [letter(n, topic=Topic.DROPS if n % 2 else Topic.PARTS) for n in range(10)]
    await hx.ledger.do(lambda conn: bury(conn, many))
    page = await hx.ledger.read(lambda conn: list_letters(conn, topic=Topic.DROPS, limit=3))
    assert [item.letter.offset for item in page] == [9, 7, 5]
    rest = await hx.ledger.read(
        lambda conn: list_letters(conn, topic=Topic.DROPS, before=page[-1].number)
    )
    assert [item.letter.offset for item in rest] == [3, 1]


async def test_letters_go_with_old_events(hx: Driver) -> None:
    await hx.ledger.do(lambda conn: bury(conn, [letter(1)]))
    kept = await hx.ledger.do(lambda conn: clean(conn, {"events": 3600}))
    assert kept.rows["events"] == 0
    gone = await hx.ledger.do(lambda conn: clean(conn, {"events": -1}))
    assert gone.rows["events"] >= 1
    assert await hx.ledger.read(list_letters) == []
