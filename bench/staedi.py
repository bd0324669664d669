"""StAEDI, a streaming reader of X12 and EDIFACT in Java: a peer, never a dependency."""

import functools
from pathlib import Path
from typing import Final

from scripts.stack import provisioning

NAME: Final = "StAEDI"
VERSION: Final = "1.25.3"
HERE: Final = Path(__file__).resolve().parent
POM: Final = f"""<project><modelVersion>4.0.0</modelVersion><groupId>helixnet</groupId>
<artifactId>staedi</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>io.xlate</groupId><artifactId>staedi</artifactId><version>{VERSION}</version>
</dependency></dependencies></project>
"""


@functools.cache
def program() -> Path:
    """Return the folder with its jar and our loop, fetched by Maven on the first call.

    Raises:
        CannotProvisionError: there is no Java, or the jar can't be had.
    """
    provisioning.program("java", NAME)
    home = provisioning.cache() / f"staedi-{VERSION}"
    provisioning.once(home, f"fetching StAEDI {VERSION} by Maven", _fetch)
    return home


def command(source: Path) -> list[str]:
    """Return the command that reads ``source`` with StAEDI's checks on, as they are by default."""
    home = program()
    jars = f"{home / 'libs'}/*:{home}"
    return [
        provisioning.program("java", NAME),
        "-XX:+UseSerialGC",
        "-cp",
        jars,
        "Read",
        str(source),
    ]


def _fetch(aside: Path) -> None:
    (aside / "pom.xml").write_text(POM, "utf-8")
    maven = [provisioning.program("mvn", NAME), "--batch-mode", "-q", "-f", str(aside / "pom.xml")]
    provisioning.run(NAME, [*maven, "dependency:copy-dependencies", "-DoutputDirectory=libs"])
    javac = [provisioning.program("javac", NAME), "-cp", f"{aside / 'libs'}/*", "-d", str(aside)]
    provisioning.run(NAME, [*javac, str(HERE / "staedi_peer" / "Read.java")])
