"""Make a bucket ready for HelixNet: versions, upkeep, notifications. As often as one likes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from miniopy_async.api import Minio
from miniopy_async.commonconfig import ENABLED, Filter
from miniopy_async.error import S3Error
from miniopy_async.lifecycleconfig import (
    AbortIncompleteMultipartUpload,
    Expiration,
    LifecycleConfig,
    Rule,
)
from miniopy_async.notificationconfig import NotificationConfig, PrefixFilterRule, QueueConfig
from miniopy_async.versioningconfig import VersioningConfig

from helixnet.adapters.s3_bucket import Bucket
from helixnet.adapters.s3_errors import FAULTS, refuses_key, told
from helixnet.adapters.store_address import address_of
from helixnet.errors import UsageError

PATIENCE: Final = 30.0
TARGET: Final = "arn:minio:sqs::HELIX:kafka"
EVENTS: Final = ["s3:ObjectCreated:*"]
PREFIX: Final = "inbox/"
RULE: Final = "helixnet-upkeep"
ABORT_DAYS: Final = 2
T = TypeVar("T")


async def apply(
    url: str, access_key: str, secret_key: str, *, notify: bool = True
) -> AsyncIterator[str]:
    """Do what is missing; yield a line for each thing, done or found done.

    Args:
        url: of the bucket.
        access_key: of a user who may configure it.
        secret_key: of the same.
        notify: whether the server shall tell of drops.

    Raises:
        UsageError: the key is refused, or the server has no target for notifications.
        UnavailableError: the server can't be reached.
    """
    bucket = Bucket(
        address_of(url), access_key, secret_key, patience=PATIENCE, count=lambda _: None
    )
    steps = [_bucket, _versions, _upkeep, *([_notification] if notify else [])]
    try:
        for step in steps:
            yield await _asked(bucket, step)
    finally:
        await bucket.close()


async def _asked(bucket: Bucket, step: Callable[[Minio, str], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await step(bucket.client, bucket.name)
    except FAULTS as error:
        found = told(error, str(bucket.address))
        if refuses_key(error):
            raise UsageError(str(found), hint=found.hint) from error
        raise found from error


async def _bucket(client: Minio, name: str) -> str:
    if await client.bucket_exists(name):
        return f"bucket {name} is there"
    await client.make_bucket(name)
    return f"bucket {name} made"


async def _versions(client: Minio, name: str) -> str:
    if (await client.get_bucket_versioning(name)).status == ENABLED:
        return "versions are kept"
    await client.set_bucket_versioning(name, VersioningConfig(ENABLED))
    return "versions are kept from now on"


async def _upkeep(client: Minio, name: str) -> str:
    """Have the server drop what broke off, and the marks of files that were deleted by name."""
    found = await client.get_bucket_lifecycle(name)
    others = [rule for rule in (found.rules if found else []) if rule.rule_id != RULE]
    if found and len(others) < len(found.rules):
        return "the upkeep rule is set"
    everywhere = Filter(prefix="")
    marks = Expiration(expired_object_delete_marker=True)
    broken = AbortIncompleteMultipartUpload(ABORT_DAYS)
    full = Rule(ENABLED, broken, marks, everywhere, RULE)
    try:
        await client.set_bucket_lifecycle(name, LifecycleConfig([*others, full]))
    except S3Error:
        # Some servers end broken uploads by a setting of their own, and know no rule for it.
        plain = Rule(ENABLED, None, marks, everywhere, RULE)
        await client.set_bucket_lifecycle(name, LifecycleConfig([*others, plain]))
        return "the upkeep rule is set now, without broken uploads: those the server ends itself"
    return f"the upkeep rule is set now: broken uploads end after {ABORT_DAYS} days"


async def _notification(client: Minio, name: str) -> str:
    found = await client.get_bucket_notification(name)
    queues = found.queue_config_list or []
    if any(queue.queue == TARGET and _tells_of_drops(queue) for queue in queues):
        return f"drops are told of to {TARGET}"
    wanted = QueueConfig(TARGET, EVENTS, "helixnet", PrefixFilterRule(PREFIX))
    others = [queue for queue in queues if queue.queue != TARGET]
    config = NotificationConfig(
        found.cloud_func_config_list, [*others, wanted], found.topic_config_list
    )
    try:
        await client.set_bucket_notification(name, config)
    except S3Error as error:
        if error.code != "InvalidArgument":
            raise
        raise UsageError(
            f"the object store knows no target {TARGET}: {error.message}",
            hint="start it with MINIO_NOTIFY_KAFKA_ENABLE_HELIX=on, …_BROKERS_HELIX=host:port and "
            "…_TOPIC_HELIX=helix.drops; or --no-notification: then drops are found by listing",
        ) from error
    return f"drops are told of to {TARGET} from now on"


def _tells_of_drops(queue: QueueConfig) -> bool:
    prefix = queue.prefix_filter_rule
    return queue.events == EVENTS and prefix is not None and prefix.value == PREFIX
