"""Topics as Kafka and Redpanda have them: what is there, what is missing, what differs."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidTopicError, KafkaError, TopicAlreadyExistsError, for_code

from helixnet.errors import ConflictError, UnavailableError
from helixnet.events import TOPICS, TopicChange, rule_of

PATIENCE_SECONDS: Final = 15.0
SETTLE_SECONDS: Final = 0.05
SETTLE_TIMES: Final = 100
_OWN: Final = 1  # source of a setting: the topic's own, not a default of broker or cluster


@dataclass(frozen=True, slots=True)
class _Found:
    """A topic that is there.

    Args:
        partitions: how many.
        configs: all settings that hold for it.
        own: the names of those that were set for it alone.
    """

    partitions: int
    configs: Mapping[str, str]
    own: frozenset[str]


class KafkaTopics:
    """Makes topics; never removes one.

    Args:
        servers: ``host:port`` each.
        partitions: of a topic that need not keep one order.
        replicas: copies of each record.
    """

    def __init__(self, servers: Sequence[str], *, partitions: int, replicas: int) -> None:
        self._servers = list(servers)
        self._partitions = partitions
        self._replicas = replicas

    async def ensure(self, topics: Iterable[str]) -> None:
        """Make those that are not there.

        Raises:
            ConflictError: Kafka can't have a topic of that name beside another: to it ``.`` and
                ``_`` are the same.
            UnavailableError: the bus does not answer, or refuses.
        """
        async with self._admin() as admin:
            there = set(await admin.list_topics())
            missing = [topic for topic in dict.fromkeys(topics) if topic not in there]
            for topic in missing:  # each by itself: one that is refused keeps no other waiting
                await self._create(admin, [topic])

    async def names(self) -> frozenset[str]:
        """Return the topics that are there.

        Raises:
            UnavailableError: the bus does not answer.
        """
        async with self._admin() as admin:
            return frozenset(await admin.list_topics())

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; 0 when there is none of that name.

        Raises:
            UnavailableError: the bus does not answer.
        """
        async with self._admin() as admin:
            if topic not in await admin.list_topics():
                return 0
            (described,) = await admin.describe_topics([topic])
            return len(described["partitions"])

    async def apply(self, *, dry_run: bool) -> list[TopicChange]:
        """Bring the fixed topics to what the table says; say what was done.

        Raises:
            UnavailableError: the bus does not answer, or refuses.
        """
        async with self._admin() as admin:
            found = await _found(admin, TOPICS)
            changes: list[TopicChange] = []
            for topic in TOPICS:
                changes += await self._bring(admin, topic, found.get(topic), dry_run=dry_run)
            return changes

    async def _bring(
        self, admin: AIOKafkaAdminClient, topic: str, there: _Found | None, *, dry_run: bool
    ) -> list[TopicChange]:
        """Make or alter one topic."""
        if there is None:
            if not dry_run:
                await self._create(admin, [topic])
            return [TopicChange(topic, "created", f"{self._partitions} partitions")]
        changes: list[TopicChange] = []
        if there.partitions < self._partitions:
            detail = f"{there.partitions} → {self._partitions}"
            changes.append(TopicChange(topic, "partitions raised", detail))
            if not dry_run:
                raised = {topic: NewPartitions(self._partitions)}
                await admin.create_partitions(raised)
        wanted = TOPICS[topic].configs
        other = {n: v for n, v in wanted.items() if there.configs.get(n) != v}
        if other:
            detail = ", ".join(f"{n}: {there.configs.get(n)} → {v}" for n, v in other.items())
            changes.append(TopicChange(topic, "settings changed", detail))
            if not dry_run:
                kept = {name: there.configs[name] for name in there.own}
                await _alter(admin, topic, kept | dict(wanted))
        return changes or [TopicChange(topic, "kept", f"{there.partitions} partitions")]

    async def _create(self, admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
        made: list[NewTopic] = []
        for topic in topics:
            rule = rule_of(topic)
            if rule is None:
                raise UnavailableError(f"there is no topic {topic} on the bus")
            count = 1 if rule.ordered else self._partitions
            configs = dict(rule.configs)
            made.append(NewTopic(topic, count, self._replicas, topic_configs=configs))
        answer = await admin.create_topics(made)
        _check(answer.to_object()["topic_errors"], ", ".join(topics))
        await _seen(admin, topics)

    @asynccontextmanager
    async def _admin(self) -> AsyncGenerator[AIOKafkaAdminClient]:
        """Lend a client; all of its faults are one to the caller: try again."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, client_id="helixnet")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await admin.start()
                yield admin
        except (KafkaError, OSError, TimeoutError) as error:
            raise UnavailableError(
                f"Kafka at {','.join(self._servers)} can't be asked about topics: {error!r}"
            ) from error
        finally:
            await admin.close()


async def _seen(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
    """Wait until topics that were made are listed: that takes Kafka a moment."""
    for _ in range(SETTLE_TIMES):
        if set(topics) <= set(await admin.list_topics()):
            return
        await asyncio.sleep(SETTLE_SECONDS)


async def _found(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> Mapping[str, _Found]:
    names = [topic for topic in topics if topic in set(await admin.list_topics())]
    if not names:
        return {}
    described = await admin.describe_topics(names)
    counts = {item["topic"]: len(item["partitions"]) for item in described}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, _Found] = {}
    for answer in await admin.describe_configs(asked):
        for resource in answer.to_object()["resources"]:
            name, entries = resource["resource_name"], resource["config_entries"]
            configs = {entry["config_names"]: entry["config_value"] for entry in entries}
            own = {e["config_names"] for e in entries if e.get("config_source") == _OWN}
            found[name] = _Found(counts[name], configs, frozenset(own))
    return found


async def _alter(admin: AIOKafkaAdminClient, topic: str, configs: Mapping[str, str]) -> None:
    """Set all own settings of a topic: what is left out falls back to its default."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(configs))
    for answer in await admin.alter_configs([resource]):
        _check(answer.to_object()["resources"], topic)


def _check(answered: Iterable[Mapping[str, Any]], topic: str) -> None:
    """Raise what an answer says went wrong; that somebody was faster is no fault."""
    for item in answered:
        kind = for_code(item["error_code"]) if item["error_code"] else None
        if kind is None or kind is TopicAlreadyExistsError:
            continue
        said = f"Kafka refuses {topic}: {item.get('error_message') or kind.__name__}"
        raise ConflictError(said) if kind is InvalidTopicError else UnavailableError(said)
