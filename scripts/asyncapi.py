"""The AsyncAPI document: made from the table of topics and the schema of events.

FastStream's own generator describes what a broker of the process subscribes to, by Python types.
What is published to whom, and what a value may be, stands in our table and schema.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from helixnet.events import DECLARED, TOPICS, Topic, TopicRule
from helixnet.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
FILES: Final = (
    ROOT / "schemas" / "asyncapi.json",
    ROOT / "src" / "helixnet" / "gateway" / "static" / "asyncapi.json",  # what a server shows
)
SCHEMA: Final = ROOT / "schemas" / "events.schema.json"
BINDING: Final = "0.5.0"  # of Kafka, to AsyncAPI
OUT_ADDRESS: Final = "helix.out.{tenant}.{name}"
PARTITIONS: Final = Settings().topic_partitions
_NOTIFICATION: Final = {
    "name": "BucketNotification",
    "title": "What MinIO or S3 tells of an object",
    "summary": "no CloudEvent: the store writes it, in its own words",
    "contentType": "application/json",
    "payload": {"type": "object", "required": ["Records"]},
}
_HEADERS: Final = {
    "id": "the same id is the same event",
    "type": "what it tells",
    "source": "/helixnet",
    "specversion": "1.0",
    "time": "of the transaction, RFC 3339 in UTC",
    "subject": "the job",
    "partitionkey": "the record's key",
    "hxtenant": "whose",
    "hxjob": "the job",
    "hxseq": "order of the events of a job",
    "hxsha256": "hash of a delivered document",
    "traceparent": "W3C trace context",
}
_REQUIRED: Final = ("id", "type", "source", "specversion", "time", "hxseq")


def document() -> dict[str, Any]:
    """Return the document."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    messages = dict(_messages(schema))
    addresses = {**{str(topic): rule for topic, rule in TOPICS.items()}, OUT_ADDRESS: DECLARED}
    channels = {_name(address): _channel(address, rule) for address, rule in addresses.items()}
    for kind, topics in _told(schema).items():
        for topic in topics:
            channels[_name(topic)]["messages"][kind] = {"$ref": f"#/components/messages/{kind}"}
    notification = {"$ref": "#/components/messages/BucketNotification"}
    channels["drops"]["messages"] = {"BucketNotification": notification}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "HelixNet",
            "version": "1",
            "description": "Events of HelixNet on Kafka or Redpanda: CloudEvents 1.0, binary mode.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "bus": {
                "host": "{broker}",
                "protocol": "kafka",
                "variables": {
                    "broker": {
                        "description": "host and port of any broker of this installation",
                        "examples": ["localhost:9092"],
                    }
                },
            }
        },
        "channels": channels,
        "operations": dict(_operations(channels)),
        "components": {
            "messages": {**messages, "BucketNotification": _NOTIFICATION},
            "messageTraits": {"event": _trait()},
            "schemas": _moved({name: d for name, d in schema["$defs"].items() if name != "event"}),
        },
    }


def _name(address: str) -> str:
    return "out" if address == OUT_ADDRESS else address.removeprefix("helix.")


def _channel(address: str, rule: TopicRule) -> dict[str, Any]:
    configs = rule.configs
    channel: dict[str, Any] = {
        "address": address,
        "description": rule.doc,
        "messages": {},
        "bindings": {
            "kafka": {
                "partitions": 1 if rule.ordered else PARTITIONS,
                "topicConfiguration": {
                    "cleanup.policy": [configs["cleanup.policy"]],
                    "retention.ms": int(configs["retention.ms"]),
                    "max.message.bytes": int(configs["max.message.bytes"]),
                },
                "bindingVersion": BINDING,
            }
        },
    }
    if "{" in address:
        channel["parameters"] = {
            "tenant": {"description": "whose"},
            "name": {"description": "as a context says: deliver: [{topic: NAME}]"},
        }
    return channel


def _told(schema: dict[str, Any]) -> dict[str, list[str]]:
    """By message, the topics that carry it; what has no topic of its own may come on any."""
    found: dict[str, list[str]] = {}
    for kind, rule in _rules(schema):
        pattern = rule["properties"].get("topic", {}).get("pattern", "")
        fixed = pattern.strip("^$").replace("\\", "")
        if fixed == "helix.out.":
            found[kind] = [OUT_ADDRESS]
        elif fixed:
            found[kind] = [fixed]
    return found


def _rules(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (message, what holds for it) for each type of event that the schema knows."""
    for rule in schema["$defs"]["event"]["allOf"]:
        kind = rule["if"]["properties"]["type"].get("const")
        if kind:
            yield _pascal(kind), rule["then"] | {"type": kind}


def _pascal(kind: str) -> str:
    words = kind.removeprefix("io.helixnet.").rpartition(".")[0].split(".")
    return "".join(word.capitalize() for word in words)


def _messages(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    told = _told(schema)
    for kind, rule in _rules(schema):
        if kind in told and told[kind] != [Topic.DROPS]:
            yield (
                kind,
                {
                    "name": rule["type"],
                    "title": kind,
                    "payload": _moved(rule["properties"]["data"]),
                    "traits": [{"$ref": "#/components/messageTraits/event"}],
                },
            )


def _trait() -> dict[str, Any]:
    """Return what all of our records have beside their value."""
    properties = {
        f"ce_{name}": {"type": "string", "description": text} for name, text in _HEADERS.items()
    }
    return {
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": [f"ce_{name}" for name in _REQUIRED],
            "properties": properties,
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "events of one key keep their order"},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(channels: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Say what HelixNet does: it receives drops, and sends all else."""
    for name in channels:
        action = "receive" if name == _name(Topic.DROPS) else "send"
        title = f"{action}{name.capitalize()}"
        yield title, {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _moved(value: Any) -> Any:
    """Let references point at where the schemas stand in this document."""
    if isinstance(value, dict):
        return {
            name: item.replace("#/$defs/", "#/components/schemas/")
            if name == "$ref"
            else _moved(item)
            for name, item in value.items()
        }
    return [_moved(item) for item in value] if isinstance(value, list) else value


def text() -> str:
    """Return the document as it stands in the files."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
