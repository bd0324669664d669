"""What the bus on Kafka keeps to when records, brokers and members are broken."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from scripts.stack import server as servers
from scripts.stack.server import Server

from helixnet.adapters.bus_kafka import KafkaBus
from helixnet.errors import ConflictError, UnavailableError
from helixnet.events import Event, Topic, event_id, out_topic
from helixnet.ledger.dead import RECORD_DEAD, UNREADABLE, get_letter, list_letters, requeue
from helixnet.ledger.outbox import read_topic
from tests.brokers import PATIENCE, Kafka, broker, emptied, eventually, removed, topics_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
GOOD = [
    ("ce_specversion", b"1.0"),
    ("ce_type", b"io.helixnet.test.v1"),
    ("ce_hxtenant", b"acme"),
    ("content-type", b"application/json"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kafka")


@pytest.fixture(scope="module")
def one_broker(folder: Path) -> Iterator[Path]:
    with broker(folder):
        yield folder


@pytest.fixture
async def kafka(one_broker: Path, tmp_path: Path) -> AsyncIterator[Kafka]:
    """A bus on an empty broker, whatever the test before did to it."""
    running = alive(one_broker)
    await emptied(running)
    opened = Kafka(tmp_path, running)
    yield opened
    await opened.close()


def alive(folder: Path) -> Server:
    running = servers.load(folder)
    assert running is not None
    running.resume()
    return running if running.running() else running.restart()


def event(number: int, topic: str = Topic.PARTS) -> Event:
    return Event(
        id=event_id("fault", topic, number),
        type="io.helixnet.test.v1",
        topic=topic,
        key=f"k{number}",
        tenant="acme",
        job=f"j{number}",
        seq=number,
        time="",
        data={"number": number},
    )


async def collect(bus: KafkaBus, group: str, count: int, topic: Topic = Topic.PARTS) -> list[Event]:
    """Read until there are ``count`` different events; go one step on, and wait for the commit."""
    found: dict[str, Event] = {}
    subscription = bus.subscribe(topic, group)
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found |= {item.id: item for item in await anext(subscription)}
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(1)
    waiting.cancel()
    return list(found.values())


async def taken(bus: KafkaBus, numbers: range) -> bool:
    try:
        await bus.publish([event(n) for n in numbers])
    except UnavailableError:
        return False
    return True


async def put(kafka: Kafka, records: list[tuple[bytes | None, list[tuple[str, bytes]]]]) -> None:
    """Write records as a stranger would, all into one partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.running.address)
    await producer.start()
    try:
        for value, headers in records:
            await producer.send(Topic.PARTS, value, b"key", 0, headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


def good(number: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    return json.dumps({"number": number}).encode(), [*GOOD, ("ce_id", f"g{number}".encode())]


POISON: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
    (b"{}", []),
    (b"{}", [*GOOD, ("ce_id", b"\xff\xfe")]),
    (b"{}", [*GOOD, ("ce_id", b"x"), ("ce_hxseq", b"many")]),
    (b"\xc3\x28", [*GOOD, ("ce_id", b"x")]),
    (b"{not json", [*GOOD, ("ce_id", b"x")]),
    (b"[1]", [*GOOD, ("ce_id", b"x")]),
    (b"[" * 100_000, [*GOOD, ("ce_id", b"x")]),
    (None, [*GOOD, ("ce_id", b"x")]),
]


async def test_poison_blocks_nothing_and_is_kept(kafka: Kafka) -> None:
    """All good records of the same partition arrive; the bad ones are in the ledger, whole."""
    bus = await kafka.bus()
    records = [good(number) for number in range(200)]
    for place, poison in enumerate(POISON):
        records.insert(20 * place + 5, poison)
    await put(kafka, records)
    found = await collect(bus, "mapper", 200)
    assert sorted(item.data["number"] for item in found) == list(range(200))
    ledger = kafka.ledgers[0]
    letters = await ledger.read(lambda conn: list_letters(conn, limit=50))
    assert [kept.letter.value for kept in reversed(letters)] == [value for value, _ in POISON]
    assert {kept.letter.key for kept in letters} == {b"key"}
    assert all(kept.letter.reason for kept in letters)
    told = await ledger.read(lambda conn: read_topic(conn, Topic.DEAD, 0))
    assert [item.event.type for item in told] == [RECORD_DEAD] * len(POISON)
    assert [item.event.id for item in told] == [kept.letter.id for kept in reversed(letters)]
    assert "value" not in told[6].event.data  # too large for an event; the table has it
    again = await kafka.bus()
    await again.publish([event(1)])
    (one,) = await collect(again, "mapper", 1)
    assert one.id == event(1).id  # the offsets have moved past all of it
    assert len(await kafka.ledgers[0].read(list_letters)) == len(POISON)


STRANGER = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *how):
        return b"\\xff"

async def main(address, topic):
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    for name in (Name("x"), Name("y")):
        await producer.send_and_wait(topic, b"{}", b"key", 0, headers=[(name, b"1")])
    await producer.stop()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_no_client_can_read_blocks_nothing(kafka: Kafka) -> None:
    """A header whose name is no UTF-8 raises inside the client; its place is kept at least."""
    bus = await kafka.bus()
    await put(kafka, [good(number) for number in range(300)])
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", STRANGER, kafka.running.address, Topic.PARTS],
        env=os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"},  # only its Python half can be tricked
        check=True,
    )
    await put(kafka, [good(number) for number in range(300, 600)])
    await bus.publish([event(n) for n in range(1000, 1100)])
    found = await collect(bus, "mapper", 700)
    assert len(found) == 700
    letters = await kafka.ledgers[0].read(list_letters)
    assert sorted(kept.letter.offset for kept in letters) == [300, 301]
    assert {kept.letter.error for kept in letters} == {UNREADABLE}


async def test_a_letter_read_by_two_groups_is_kept_once(kafka: Kafka) -> None:
    bus = await kafka.bus()
    await put(kafka, [POISON[0], good(1)])
    for group in ("mapper", "other"):
        await collect(bus, group, 1)
    assert len(await kafka.ledgers[0].read(list_letters)) == 1


async def test_a_requeued_letter_is_the_record_that_it_was(kafka: Kafka) -> None:
    """Once, byte for byte: key, value and headers, those that are no text included."""
    bus = await kafka.bus()
    await put(kafka, [POISON[1], good(1)])
    await collect(bus, "mapper", 1)
    ledger = kafka.ledgers[0]
    (kept,) = await ledger.read(list_letters)
    await ledger.do(lambda conn: requeue(conn, kept.letter.id, by="admin"))
    with pytest.raises(ConflictError):
        await ledger.do(lambda conn: requeue(conn, kept.letter.id, by="admin"))
    (told,) = await ledger.read(lambda conn: read_topic(conn, Topic.PARTS, 0))
    await bus.publish([told.event])
    value, headers = POISON[1]
    same = [r for r in await records_of(kafka, Topic.PARTS, 3) if r.value == value]
    assert len(same) == 2
    assert {r.key for r in same} == {b"key"}
    assert [list(r.headers) for r in same] == [headers, headers]
    one = await ledger.read(lambda conn: get_letter(conn, kept.letter.id))
    assert one.requeued
    assert one.by == "admin"


async def records_of(kafka: Kafka, topic: str, count: int) -> "list[ConsumerRecord[bytes, bytes]]":
    """Read a topic as any client does."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.running.address)
    await consumer.start()
    try:
        places = [TopicPartition(topic, n) for n in range(await partitions(kafka, topic))]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        records: list[ConsumerRecord[bytes, bytes]] = []
        async with asyncio.timeout(PATIENCE):
            while len(records) < count:
                fetched = await consumer.getmany(timeout_ms=500)
                records += [record for some in fetched.values() for record in some]
    finally:
        await consumer.stop()
    return records


async def partitions(kafka: Kafka, topic: str) -> int:
    return await topics_of(kafka.running).partitions(topic)


async def test_any_client_reads_a_delivered_record(kafka: Kafka) -> None:
    """Key, hash and attributes are beside the document, whose numbers are exact."""
    bus = await kafka.bus()
    topic = out_topic("acme", "orders")
    price = Decimal("1.10")
    data = {"job": "j7", "run": 1, "position": 0, "sha256": "ab" * 32, "record": {"price": price}}
    sent = replace(event(7, topic), data=data)
    await bus.publish([sent])
    (record,) = await records_of(kafka, topic, 1)
    headers = dict(record.headers)
    assert record.key == b"k7"
    assert record.value is not None
    assert b'"record":{"price":1.10}' in record.value
    assert headers["ce_id"] == sent.id.encode()
    assert headers["ce_hxsha256"] == b"ab" * 32
    assert (headers["ce_specversion"], headers["content-type"]) == (b"1.0", b"application/json")
    assert (headers["ce_hxtenant"], headers["ce_hxjob"], headers["ce_hxseq"]) == (
        b"acme",
        b"j7",
        b"7",
    )


async def test_an_event_for_a_topic_that_kafka_refuses_is_kept(kafka: Kafka) -> None:
    """To Kafka ``a.b`` and ``a_b`` collide: neither is lost, and no other event waits for it."""
    bus = await kafka.bus()
    await bus.ensure([out_topic("acme", "a.b")])
    with pytest.raises(ConflictError, match="collides"):
        await bus.ensure([out_topic("acme", "a_b")])
    await bus.publish([event(1, out_topic("acme", "a_b")), event(2)])
    (one,) = await collect(bus, "mapper", 1)
    assert one.id == event(2).id
    (kept,) = await kafka.ledgers[0].read(list_letters)
    assert kept.letter.topic == out_topic("acme", "a_b")
    assert "collides" in kept.letter.reason


async def test_bucket_notifications_become_drops(kafka: Kafka) -> None:
    bus = await kafka.bus()
    message = {
        "EventName": "s3:ObjectCreated:Put",
        "Key": "land/inbox/acme/a b+ü%.csv",
        "Records": [
            {
                "eventName": "s3:ObjectCreated:CompleteMultipartUpload",
                "eventTime": "2026-11-23T18:30:00.000Z",
                "s3": {
                    "bucket": {"name": "land"},
                    "object": {
                        "key": "inbox%2Facme%2Fa+b%2B%C3%BC%25.csv",
                        "size": 12,
                        "versionId": "v1",
                        "sequencer": "18A",
                    },
                },
            }
        ],
    }
    producer = AIOKafkaProducer(bootstrap_servers=kafka.running.address)
    await producer.start()
    for value in (b'{"Records": 3}', b'{"Records": [{}]}', json.dumps(message).encode()):
        await producer.send_and_wait(Topic.DROPS, value)
    await producer.stop()
    (drop,) = await collect(bus, "ingest", 1, Topic.DROPS)
    assert drop.data == {
        "key": "inbox/acme/a b+ü%.csv",
        "version": "v1",
        "size": 12,
        "event": "s3:ObjectCreated:CompleteMultipartUpload",
    }
    await asyncio.sleep(1)
    letters = await kafka.ledgers[0].read(lambda conn: list_letters(conn, topic=Topic.DROPS))
    assert len(letters) == 2


async def test_a_killed_broker_loses_nothing(kafka: Kafka) -> None:
    """What was published is read after a power cut of the broker; what could not be says so."""
    bus = await kafka.bus()
    await bus.publish([event(n) for n in range(50)])
    await collect(bus, "mapper", 50)
    await bus.publish([event(n) for n in range(50, 100)])
    kafka.running.kill()
    with pytest.raises(UnavailableError):
        await bus.publish([event(100)])
    reading = asyncio.ensure_future(collect(bus, "mapper", 60))
    await asyncio.sleep(1)
    kafka.running = kafka.running.restart()
    await eventually(lambda: taken(bus, range(100, 110)))
    found = {item.data["number"] for item in await reading}
    assert set(range(50, 110)) <= found


async def test_a_bus_starts_without_a_broker(kafka: Kafka) -> None:
    """It waits, says so, and goes on by itself; closing does not wait for it."""
    kafka.running.kill()
    bus = await kafka.bus()
    with pytest.raises(UnavailableError):
        await bus.publish([event(1)])
    waiting = asyncio.ensure_future(collect(bus, "mapper", 1))
    await asyncio.sleep(2)
    assert not waiting.done()
    kafka.running = kafka.running.restart()
    await eventually(lambda: taken(bus, range(1, 2)))
    (one,) = await waiting
    assert one.id == event(1).id


async def test_closing_ends_also_when_nobody_answers(kafka: Kafka) -> None:
    bus = await kafka.bus()
    await bus.publish([event(1)])
    subscription = bus.subscribe(Topic.PARTS, "mapper")
    await anext(subscription)
    kafka.running.pause()
    try:
        async with asyncio.timeout(30):
            await bus.close()
    finally:
        kafka.running.resume()


async def test_a_topic_made_anew_is_read_from_its_beginning(kafka: Kafka) -> None:
    bus = await kafka.bus()
    await bus.publish([event(n) for n in range(20)])
    subscription = bus.subscribe(Topic.PARTS, "mapper")
    found: set[int] = set()
    async with asyncio.timeout(PATIENCE):
        while len(found) < 20:
            found |= {item.data["number"] for item in await anext(subscription)}
    waiting = asyncio.ensure_future(anext(subscription))
    await removed(kafka.running, [Topic.PARTS])
    await asyncio.sleep(2)
    with pytest.raises(UnavailableError):
        await bus.publish([event(99)])
    await topics_of(kafka.running).apply(dry_run=False)
    await eventually(lambda: taken(bus, range(100, 105)))
    async with asyncio.timeout(PATIENCE):
        found = {item.data["number"] for item in await waiting}
        while not set(range(100, 105)) <= found:
            found |= {item.data["number"] for item in await anext(subscription)}


async def test_a_topic_that_is_missing_is_named_or_made(kafka: Kafka) -> None:
    """Fixed ones are the operator's to make; declared ones are made before the first event."""
    bus = await kafka.bus()
    await removed(kafka.running, [Topic.RESULTS])
    with pytest.raises(UnavailableError, match=r"helix\.results") as caught:
        await bus.publish([event(1, Topic.RESULTS)])
    assert caught.value.hint == "helixnet topics apply"
    declared = out_topic("acme", "orders")
    await bus.publish([event(n, declared) for n in range(5)])
    assert await topics_of(kafka.running).partitions(declared) == 1
    found = [item.data["number"] async for _, item in bus.span(declared, 0, 99)]
    assert found == list(range(5))


async def test_two_members_share_a_group(kafka: Kafka) -> None:
    """Each event reaches one of them, and their lag goes to nothing."""
    one = await kafka.bus()
    other = KafkaBus(
        [kafka.running.address], ledger=kafka.ledgers[0], topics=topics_of(kafka.running)
    )
    counts = [0, 0]
    seen: set[int] = set()

    async def read(bus: KafkaBus, place: int) -> None:
        async for batch in bus.subscribe(Topic.PARTS, "mapper"):
            counts[place] += len(batch)
            seen.update(item.data["number"] for item in batch)

    tasks = [asyncio.ensure_future(read(bus, n)) for n, bus in enumerate((one, other))]
    try:
        number = 0
        async with asyncio.timeout(PATIENCE):
            while not all(counts):
                await one.publish([event(n) for n in range(number, number + 40)])
                number += 40
                await asyncio.sleep(0.5)
        await eventually(lambda: all_read(one, other))
        assert seen == set(range(number))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await other.close()


async def all_read(*buses: KafkaBus) -> bool:
    return sum([await lag(bus) for bus in buses]) == 0


async def lag(bus: KafkaBus) -> int:
    found = await bus.lag()
    assert set(found) == {(Topic.PARTS, "mapper")}
    return found[(Topic.PARTS, "mapper")]


MEMBER = """
import asyncio, sys
from pathlib import Path
from helixnet.adapters.bus_kafka import KafkaBus
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.events import Topic
from tests.brokers import PARTITIONS, KafkaTopics

async def main(address, folder):
    ledger = await asyncio.to_thread(open_ledger, Path(folder) / "member.db")
    topics = KafkaTopics([address], partitions=PARTITIONS, replicas=1)
    bus = KafkaBus([address], ledger=ledger, topics=topics)
    async for batch in bus.subscribe(Topic.PARTS, "mapper"):
        print(*[event.data["number"] for event in batch], flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A process that reads for the group, and writes down what it reads."""

    process: psutil.Popen
    output: Path

    @property
    def numbers(self) -> set[int]:
        return {int(word) for word in self.output.read_text().split() if word.isdigit()}


@contextmanager
def member_of(kafka: Kafka, folder: Path) -> Iterator[Member]:
    folder.mkdir()
    output = folder / "numbers"
    program = [sys.executable, "-c", MEMBER, kafka.running.address, str(folder)]
    with output.open("w") as out:
        process = psutil.Popen(program, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield Member(process, output)
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


async def until(member: Member, wanted: set[int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not wanted <= member.numbers:
            assert member.process.poll() is None, member.output.read_text()
            await asyncio.sleep(0.2)


async def test_a_paused_member_loses_its_share_and_comes_back(kafka: Kafka, tmp_path: Path) -> None:
    """Its partitions are read by another within a session; when it goes on it reads again."""
    bus = await kafka.bus()
    with member_of(kafka, tmp_path / "member") as member:
        await bus.publish([event(n) for n in range(40)])
        await until(member, set(range(40)))
        member.process.send_signal(signal.SIGSTOP)
        await bus.publish([event(n) for n in range(40, 80)])
        found = await collect(bus, "mapper", 40)
        assert {item.data["number"] for item in found} >= set(range(40, 80))
        member.process.send_signal(signal.SIGCONT)
        await kafka.close()
        bus = await kafka.bus()
        await bus.publish([event(n) for n in range(80, 120)])
        await until(member, set(range(80, 120)))
