"""The only reader of the environment: every setting once, with its type, default and reason.

``helixnet.toml`` in the data folder < ``HELIXNET_<NAME>`` < flags. A secret may also be given as
``HELIXNET_<NAME>_FILE``, the path of a file that holds it, so that it never stands in a process
list or an environment dump.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast, get_type_hints

from helixnet.errors import UsageError

FILE: Final = "helixnet.toml"
PREFIX: Final = "HELIXNET_"
_FOLDER: Final = Path("helixnet-data")
_PORTS: Final = 65535
_UNITS: Final = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE: Final = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE)


def _about(doc: str, **rules: object) -> dict[str, object]:
    """``least`` and ``most`` bound a number; ``secret`` hides the value."""
    return {"doc": doc, "least": None, "most": None, "secret": False} | rules


def _setting(default: Any, doc: str, **rules: object) -> Any:
    return field(default=default, metadata=_about(doc, **rules))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may decide about a server or client; the defaults serve one machine."""

    data: Path = field(
        default=_FOLDER, metadata=_about("data folder: ledger, inbox, work, results, keys")
    )
    bus: str = _setting(
        "local:", "where events travel; local: is the ledger's own table, or kafka://host:port,…"
    )
    store: str = _setting(
        "file:",
        "where files live; file: alone is the data folder, or s3://host:port/bucket "
        "(s3+http:// without TLS)",
    )
    store_access_key: str = _setting("", "access key of the bucket")
    store_secret_key: str = _setting("", "secret key of the bucket", secret=True)
    ledger: str = _setting(
        "sqlite:",
        "the one truth; sqlite: alone is ledger.db in the data folder, "
        "or postgresql+asyncpg://user@host:port/database",
    )
    ledger_password: str = _setting("", "password of the database user", secret=True)
    identity: str = _setting(
        "local:",
        "who issues tokens; local: has demo users, loopback only, or oidc+https://host/realms/name",
    )
    audience: str = _setting("helix-api", "the aud that tokens must carry")
    clients: str = _setting(
        "helix-cli helix-web helix-services",
        "the azp values that may call, between spaces",
    )
    password_client: str = _setting(
        "", "client of the provider whose password form POST /auth/token uses; empty is none"
    )
    hosts: str = _setting(
        "", "Host names that are answered, between spaces; empty is loopback and the host"
    )
    topic_partitions: int = _setting(
        4,
        "partitions of the fixed topics; declared ones have one, so that they keep order",
        least=1,
    )
    topic_replicas: int = _setting(1, "copies that the bus keeps of each event", least=1)
    crash_at: str = _setting(
        "", "tests only: name of the point in the code at which the process ends at once"
    )
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8080, "port of REST and pages; 0 takes a free one", least=0, most=_PORTS)
    sftp: bool = _setting(default=True, doc="whether partners may drop files by SFTP")
    sftp_port: int = _setting(
        2222, "port of the SFTP front; 0 takes a free one", least=0, most=_PORTS
    )
    workers: int = _setting(
        0,
        "processes that map, and as many that pass over files; 0 is one a processor core",
        least=0,
    )
    part_size: int = _setting(16 << 20, "bytes after which a file is cut into parts", least=1)
    max_body: int = _setting(2 << 30, "largest upload in bytes", least=1)
    max_unpacked: int = _setting(
        16 << 30,
        "bytes that a packed file may unpack to; 200 times its size is a limit too",
        least=1,
    )
    lease_seconds: float = _setting(10.0, "how long a claim lasts without renewal", least=0.2)
    renew_seconds: float = _setting(3.0, "how often a claim is renewed", least=0.05)
    poll_seconds: float = _setting(2.0, "longest delay when a signal was lost", least=0.01)
    max_attempts: int = _setting(10, "attempts at a part before it is given up", least=1)
    sweep_seconds: float = _setting(30.0, "age at which an unsent event is sent again", least=0.1)
    quiet_seconds: float = _setting(2.0, "how long a drop must lie unchanged", least=0.0)
    inbox_seconds: float = _setting(
        0.0, "how often the inbox is listed; 0 is 0.5 for a folder, 10 for a bucket", least=0.0
    )
    clean_seconds: float = _setting(3600.0, "how often retention is applied", least=1.0)
    stall_seconds: float = _setting(300.0, "time without progress that ends an attempt", least=1.0)
    stop_seconds: float = _setting(12.0, "time that a stop gives to work in hand", least=0.0)
    log_level: str = _setting("info", "debug, info, warning or error")
    log_format: str = _setting("auto", "text, json, or auto: text on a terminal")
    metrics: bool = _setting(default=True, doc="whether /metrics is served")
    otlp_endpoint: str = _setting("", "URL that takes traces (OTLP over HTTP); empty sends none")
    url: str = _setting("http://127.0.0.1:8080", "server that client commands talk to")
    token: str = _setting("", "bearer token of client commands", secret=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of ``helixnet config show``: the value as text (a secret masked) and its source."""

    name: str
    value: str
    source: str
    doc: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each that is not a default came from."""

    settings: Settings
    sources: Mapping[str, str]


def _boolean(text: str) -> bool:
    truths = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return truths[text.lower()]


def _integer(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return int(match[1]) * _UNITS[match[2].lower()]


_PARSERS: Final[dict[type, tuple[Callable[[str], object], str]]] = {
    str: (str, "a text"),
    Path: (lambda text: Path(text).expanduser(), "a path"),
    int: (_integer, "a whole number, or a size such as 64MiB"),
    float: (float, "a number"),
    bool: (_boolean, "true or false"),
}
_TYPES: Final = cast("dict[str, type]", get_type_hints(Settings))
_FIELDS: Final = {item.name: item for item in fields(Settings)}


def _value(name: str, raw: object, source: str) -> object:
    """Give ``raw`` the setting's type, or say what is expected where."""
    parse, expected = _PARSERS[_TYPES[name]]
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    try:
        value = parse(text)
    except (ValueError, KeyError) as error:
        raise UsageError(f"{source}: {name} must be {expected}, not {text!r}") from error
    least, most = (_FIELDS[name].metadata[bound] for bound in ("least", "most"))
    if least is not None and cast("float", value) < least:
        raise UsageError(f"{source}: {name} must be at least {least}, not {text}")
    if most is not None and cast("float", value) > most:
        raise UsageError(f"{source}: {name} must be at most {most}, not {text}")
    return value


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    found: dict[str, tuple[object, str]] = {}
    for name, item in _FIELDS.items():
        variable = PREFIX + name.upper()
        if item.metadata["secret"] and (path := environ.get(f"{variable}_FILE")):
            try:
                found[name] = (Path(path).read_text("utf-8").strip(), f"{variable}_FILE")
            except OSError as error:
                raise UsageError(f"{variable}_FILE: can't read {path}: {error.strerror}") from error
        if variable in environ:
            found[name] = (environ[variable], variable)
    return found


def _from_file(path: Path) -> dict[str, tuple[object, str]]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not usable: {error}") from error
    unknown = sorted(set(table) - (set(_FIELDS) - {"data"}))
    if unknown:
        raise UsageError(f"{path}: unknown setting {unknown[0]!r}", hint="helixnet config show")
    return {name: (value, str(path)) for name, value in table.items()}


def load(
    flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Read file, environment and flags; the later wins.

    Args:
        flags: by setting name; None as a value means that the flag was not given.
        environ: the process's environment unless given.

    Raises:
        UsageError: a value has the wrong type or is out of range, with the place that gave it.
    """
    given = {
        name: (value, f"--{name.replace('_', '-')}")
        for name, value in (flags or {}).items()
        if value is not None
    }
    above = _from_environment(os.environ if environ is None else environ) | given
    folder = Settings().data
    if "data" in above:
        folder = cast("Path", _value("data", *above["data"]))
    found = _from_file(folder / FILE) | above
    values = {name: _value(name, raw, source) for name, (raw, source) in found.items()}
    sources = {name: source for name, (_, source) in found.items()}
    return Loaded(Settings(**cast("dict[str, Any]", values)), sources)


def describe(loaded: Loaded) -> list[Shown]:
    """Say each setting's value and source; the value of a secret is never shown."""
    lines: list[Shown] = []
    for name, item in _FIELDS.items():
        value = getattr(loaded.settings, name)
        text = "********" if item.metadata["secret"] and value else str(value)
        lines.append(Shown(name, text, loaded.sources.get(name, "default"), item.metadata["doc"]))
    return lines
