"""`helixnet topics apply` and what contexts declare, on a real broker."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from scripts.stack.server import Server

from helixnet.adapters.bus_kafka import KafkaBus
from helixnet.adapters.identity_local import rotate_keys
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.events import TOPICS, Topic
from helixnet.ports import Bus, Ledger
from tests.brokers import broker, removed, topics_of
from tests.contract.gateway.conftest import CONTEXT, FILES, serving

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def helixnet(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "helixnet", "topics", "apply", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def actions(kafka: Server, *arguments: str) -> dict[str, str]:
    shown: list[dict[str, Any]] = json.loads(helixnet("--bus", kafka.url, "--json", *arguments))
    return {change["topic"]: change["action"] for change in shown}


async def configs(kafka: Server, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        (answer,) = await admin.describe_configs(asked)
        (found,) = answer.to_object()["resources"]
        return {e["config_names"]: e["config_value"] for e in found["config_entries"]}
    finally:
        await admin.close()


async def alter(kafka: Server, topic: str, **settings: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])
    finally:
        await admin.close()


async def test_topics_are_made_once_and_brought_up(
    kafka: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run changes nothing; a second run has nothing to do; what others set stays."""
    await removed(kafka, [name for name in await topics_of(kafka).names() if name in TOPICS])
    every = dict.fromkeys(TOPICS, "created")
    assert actions(kafka, "--dry-run") == every
    assert not set(TOPICS) & await topics_of(kafka).names()
    assert actions(kafka) == every
    assert actions(kafka) == dict.fromkeys(TOPICS, "kept")
    assert await topics_of(kafka).partitions(Topic.JOBS) == 4
    await alter(kafka, Topic.JOBS, retention_ms="1000", segment_bytes="1048576")
    monkeypatch.setenv("HELIXNET_TOPIC_PARTITIONS", "6")
    would = helixnet("--bus", kafka.url, "--dry-run")
    assert "4 → 6" in would
    assert "retention.ms: 1000 → 1209600000" in would
    helixnet("--bus", kafka.url)
    assert await topics_of(kafka).partitions(Topic.JOBS) == 6
    found = await configs(kafka, Topic.JOBS)
    assert (found["retention.ms"], found["segment.bytes"]) == ("1209600000", "1048576")
    monkeypatch.setenv("HELIXNET_TOPIC_PARTITIONS", "2")
    assert actions(kafka) == dict.fromkeys(TOPICS, "kept")  # nothing is ever taken away


def test_what_can_not_be_done_is_said() -> None:
    nobody = helixnet("--bus", "kafka://127.0.0.1:1", status=3)
    assert "127.0.0.1:1" in nobody
    assert "Traceback" not in nobody
    unknown = helixnet("--bus", "amqp://127.0.0.1", status=2)
    assert "kafka://" in unknown
    assert "there are no topics to make" in helixnet("--bus", "local:")


DELIVERS = CONTEXT.replace(b"map:", b"deliver: [{topic: orders.new, key: out.orderId}]\nmap:")


async def test_publishing_a_context_makes_its_topics(kafka: Server, tmp_path: Path) -> None:
    """With one partition, so that documents keep their order; a colliding name is refused."""

    def bus_of(ledger: Ledger) -> Bus:
        return KafkaBus([kafka.address], ledger=ledger, topics=topics_of(kafka))

    rotate_keys(tmp_path / "keys", now=time.time())
    ledger = open_ledger(tmp_path / "data" / "ledger.db")
    places = (tmp_path / "data", tmp_path / "keys")
    async with serving(*places, bus_of, ledger=ledger, own=ledger) as gateway:
        files = [("files", item) for item in (FILES | {"context.yaml": DELIVERS}).items()]
        made = await gateway.ask("POST", "/api/v1/contexts", "demo", files=files)
        assert made.status_code == 201, made.text
        assert await topics_of(kafka).partitions("helix.out.demo.orders.new") == 1
        other = DELIVERS.replace(b"orders.new", b"orders_new").replace(b"1.0.0", b"2.0.0")
        files = [("files", item) for item in (FILES | {"context.yaml": other}).items()]
        refused = await gateway.ask("POST", "/api/v1/contexts", "demo", files=files)
        assert refused.status_code == 409
        assert "orders_new" in refused.json()["detail"]
    await ledger.close()
