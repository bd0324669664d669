"""Kafka: one broker that is its own controller (KRaft), from the jars of Maven's registry."""

import base64
import functools
import secrets
import socket
import struct
from pathlib import Path
from typing import Final

from scripts.stack import provisioning, server, versions
from scripts.stack.server import Server

NAME: Final = "kafka"
_JARS: Final = {
    f"org.apache.kafka:kafka_{versions.SCALA}": versions.KAFKA,
    "org.apache.kafka:kafka-tools": versions.KAFKA,
    "org.slf4j:slf4j-simple": versions.SLF4J,
}
# One broker holds everything once, and no client makes a topic by naming it.
_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "log.message.timestamp.type": "LogAppendTime",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
}


@functools.cache
def provision() -> Path:
    """Return the folder with Kafka's jars, fetched by Maven on the first call."""
    home = provisioning.cache() / f"kafka-{versions.KAFKA}"
    provisioning.program("java", NAME)
    provisioning.once(home, f"fetching Kafka {versions.KAFKA} by Maven", _fetch)
    return home / "libs"


def start(
    folder: Path,
    *,
    port: int = 0,
    controller_port: int = 0,
    heap: str = "512m",
    settings: dict[str, str] | None = None,
) -> Server:
    """Start a broker on ``folder``, formatted there on the first start.

    Args:
        folder: holds the log of events and the broker's own log.
        port: 0 takes a free one.
        controller_port: the same.
        heap: the most memory that Java may use for objects.
        settings: more lines of server.properties.
    """
    jars = provision()
    free = server.free_ports(2)
    ports = {"main": port or free[0], "controller": controller_port or free[1]}
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    lines = _SETTINGS | _places(folder, ports) | (settings or {})
    properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), "utf-8")
    if not (folder / "data" / "meta.properties").exists():
        _format(jars, properties)
    java = [provisioning.program("java", NAME), "-Xms128m", f"-Xmx{heap}", "-XX:+UseSerialGC"]
    java += ["-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", f"{jars}/*", "kafka.Kafka"]
    return server.launch(
        Server(
            name=NAME,
            folder=folder,
            url=f"kafka://127.0.0.1:{ports['main']}",
            ports=ports,
            command=(*java, str(properties)),
        )
    )


@server.probe(NAME)
def ready(running: Server) -> bool:
    """Whether the broker knows itself: then topics can be made and events be taken."""
    metadata_of_all_topics = struct.pack(">hhihi", 3, 1, 1, -1, -1)
    with socket.create_connection(("127.0.0.1", running.ports["main"]), timeout=5) as link:
        link.sendall(struct.pack(">i", len(metadata_of_all_topics)) + metadata_of_all_topics)
        answer = link.recv(12)
    _length, _correlation, brokers = struct.unpack(">iii", answer.ljust(12, b"\0"))
    return brokers > 0


def _places(folder: Path, ports: dict[str, int]) -> dict[str, str]:
    controller = f"127.0.0.1:{ports['controller']}"
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{ports['main']},CONTROLLER://{controller}",
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": str(folder / "data"),
    }


def _format(jars: Path, properties: Path) -> None:
    """Give the broker's storage its identity."""
    # The first byte is fixed: an identity that began with a dash would be taken for an option.
    identity = base64.urlsafe_b64encode(b"h" + secrets.token_bytes(15)).decode().rstrip("=")
    java = [provisioning.program("java", NAME), "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
    form = ["format", "--standalone", "--cluster-id", identity, "--config", str(properties)]
    provisioning.run(NAME, [*java, "kafka.tools.StorageTool", *form])


def _fetch(aside: Path) -> None:
    """Let Maven resolve the jars of a project that has nothing else."""
    needed = "".join(_dependency(name, version) for name, version in _JARS.items())
    (aside / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>helixnet</groupId>"
        "<artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{needed}</dependencies></project>",
        "utf-8",
    )
    maven = [provisioning.program("mvn", NAME), "--batch-mode", "-q", "-f", str(aside / "pom.xml")]
    provisioning.run(NAME, [*maven, "dependency:copy-dependencies", "-DoutputDirectory=libs"])


def _dependency(name: str, version: str) -> str:
    group, _, artifact = name.partition(":")
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
    )
