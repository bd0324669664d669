"""Dead letters by REST and by the command line: for admins, put back once, written down."""

import base64

import pytest

from helixnet.cli.dead import readable
from helixnet.events import Topic
from helixnet.ledger.audit import entries
from helixnet.ledger.dead import Letter, bury
from tests.contract.gateway.conftest import Running

pytestmark = pytest.mark.contract
DEAD = "/api/v1/dead"
LETTER = Letter(
    id="11111111-1111-5111-8111-111111111111",
    topic=Topic.PARTS,
    partition=2,
    offset=7,
    key=b"k",
    value=b"\xff{",
    headers=[["ce_id", base64.b64encode(b"\xfe").decode()], ["empty", None]],
    error="UnicodeDecode",
    reason="not UTF-8",
)


async def test_an_admin_sees_a_letter_whole(gateway: Running) -> None:
    await gateway.ledger.do(lambda conn: bury(conn, [LETTER]))
    listed = (await gateway.get(DEAD, "admin")).json()["letters"]
    assert [(item["id"], item["topic"], item["size"]) for item in listed] == [
        (LETTER.id, Topic.PARTS, 2)
    ]
    shown = (await gateway.get(f"{DEAD}/{LETTER.id}", "admin")).json()
    assert base64.b64decode(shown["value"]) == b"\xff{"
    assert shown["headers"] == [["ce_id", "/g=="], ["empty", None]]
    lines = {line["what"]: line["value"] for line in readable(shown)}
    assert (lines["key"], lines["value"]) == ("k", "\\xff{")
    assert (lines["header ce_id"], lines["header empty"]) == ("\\xfe", "")


async def test_pages_lead_on(gateway: Running) -> None:
    await gateway.ledger.do(lambda conn: bury(conn, [LETTER]))
    first = await gateway.get(DEAD, "admin", params={"limit": 1})
    assert "Link" not in first.headers
    other = await gateway.get(DEAD, "admin", params={"topic": "helix.drops"})
    assert other.json()["letters"] == []


async def test_a_letter_goes_back_once_and_is_written_down(gateway: Running) -> None:
    await gateway.ledger.do(lambda conn: bury(conn, [LETTER]))
    path = f"{DEAD}/{LETTER.id}/requeue"
    done = await gateway.ask("POST", path, "admin")
    assert done.status_code == 202
    assert done.json()["requeued_by"] == "admin"
    again = await gateway.ask("POST", path, "admin")
    assert again.status_code == 409
    (entry,) = await gateway.ledger.read(
        lambda conn: entries(conn, tenant=None, action="dead.requeue")
    )
    assert (entry.actor, entry.subject, entry.data["offset"]) == ("admin", LETTER.id, 7)


async def test_others_see_nothing(gateway: Running) -> None:
    """A letter names no tenant: who belongs to one has no right to it, whatever the role."""
    await gateway.ledger.do(lambda conn: bury(conn, [LETTER]))
    assert (await gateway.get(DEAD, "demo")).status_code == 403
    assert (await gateway.get(f"{DEAD}/none", "admin")).status_code == 404
    assert (await gateway.ask("POST", f"{DEAD}/none/requeue", "admin")).status_code == 404


async def test_the_topics_are_described_for_machines(gateway: Running) -> None:
    answer = await gateway.http.get("/asyncapi.json")
    assert answer.json()["asyncapi"] == "3.0.0"
