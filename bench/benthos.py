"""The core of Redpanda Connect (Benthos), built from its Go module: a peer, never a dependency."""

import functools
import json
from pathlib import Path
from typing import Final

from scripts.stack import provisioning

NAME: Final = "Benthos"
MODULE: Final = "github.com/redpanda-data/benthos/v4"
VERSION: Final = "v4.50.0"
HERE = Path(__file__).resolve().parent
CONFIGS: Final = {"benthos": "mapping.yaml", "benthos with json_schema": "validated.yaml"}


@functools.cache
def program() -> Path:
    """Return the program, built by Go on the first call.

    Raises:
        CannotProvisionError: there is no Go, or the module can't be built.
    """
    home = provisioning.cache() / f"benthos-{VERSION}"
    what = f"building Benthos {VERSION} from its Go module (a minute on two cores)"
    return provisioning.once(home, what, _build) / "benthos"


def commands(source: Path, target: Path, schema: Path) -> dict[str, list[str]]:
    """Return the commands that map W1 on one core, without and with validation."""
    common = [f"SOURCE={source}", f"TARGET={target}", f"SCHEMA={schema}", "GOMAXPROCS=1"]
    return {
        name: ["env", *common, str(program()), "run", str(HERE / "benthos_peer" / config)]
        for name, config in CONFIGS.items()
    }


def _build(aside: Path) -> None:
    """Build in the module's own folder, so that its own go.sum says of what."""
    go = provisioning.program("go", NAME)
    told = provisioning.run(NAME, [go, "mod", "download", "-json", f"{MODULE}@{VERSION}"])
    home = json.loads(told)["Dir"]
    provisioning.run(NAME, [go, "-C", home, "build", "-o", str(aside / "benthos"), "./cmd/benthos"])
