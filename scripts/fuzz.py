"""``make nightly`` fuzzes every reader: any bytes are records or a typed error, in bounded memory.

    python -m scripts.fuzz --seconds=600 [TARGET …]

atheris is installed into uv's cache for this alone. What it finds is kept as a file, and named.
"""

import argparse
import gzip
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ATHERIS: Final = "atheris==3.0.0"
MOST_SEEDS: Final = 100
LARGEST_SEED: Final = 4 * 1024
MEMORY_MB: Final = 1024
SLOWEST: Final = 20  # seconds for one input
LONGEST: Final = 1024  # bytes of an input
_FOLDERS: Final = {
    "csv": ("csv", "fixedwidth/moov-io__bai2"),
    "fixed": ("fixedwidth",),
    "json": ("json-parsing",),
    "ndjson": ("json-parsing",),
    "idoc": ("idoc",),
    "xml": ("xml", "einvoice"),
    "x12": ("x12",),
    "edifact": ("edifact",),
    "excel": ("csv/okfn__messytables",),
    "sniff": ("csv", "x12", "edifact", "fixedwidth", "idoc"),
}
_SMALL: Final[dict[str, bytes]] = {
    "csv": b"A;B\n1;2\n",
    "fixed": b"H11D22T 1\n",
    "json": b'{"data":{"orders":[{"a":1}]}}',
    "ndjson": b'{"a":1}\n{"b":null}\n',
    "idoc": b"EDI_DC40  1000000000000000001",
    "xml": b"<orders><order>1</order></orders>",
    "x12": b"ISA*00*          *00*          *ZZ*S              *ZZ*R              *260101*1200*U*"
    b"00401*000000001*0*P*>~GS*PO*S*R*20260101*1200*1*X*004010~ST*850*0001~BEG*00*SA*1**20260101~"
    b"SE*3*0001~GE*1*1~IEA*1*000000001~",
    "edifact": b"UNB+UNOC:3+S+R+260101:1200+1'UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+1'UNZ+1+1'",
    "sniff": b"A;B\n1;2\n",
}


def corpora() -> Path:
    """Where third-party files are, if they are."""
    return Path(os.environ.get("HELIXNET_CORPORA") or ROOT.parent / "shared" / "corpora")


def seeds_of(name: str) -> Iterator[bytes]:
    """Yield inputs to begin with; of a format each once a contract, told by its first byte."""
    plain = list(_plain(name))
    if name in ("packed", "sniff"):
        yield from plain
        return
    for number, data in enumerate(plain):
        yield bytes([number % 7]) + data


def _plain(name: str) -> Iterator[bytes]:
    if name == "packed":
        yield gzip.compress(_SMALL["csv"], mtime=0)
        yield _zipped({"a.csv": _SMALL["csv"]})
        return
    if name == "excel":
        sheets = b'<workbook><sheets><sheet name="A" sheetId="1"/></sheets></workbook>'
        sheet = b"<worksheet><sheetData/></worksheet>"
        yield _zipped({"xl/workbook.xml": sheets, "xl/worksheets/sheet1.xml": sheet})
    else:
        for _ in range(7):
            yield _SMALL[name]
    files = [
        path
        for folder in _FOLDERS[name]
        for path in sorted((corpora() / folder).rglob("*"))
        if path.is_file() and path.stat().st_size <= LARGEST_SEED
    ]
    for path in files[:MOST_SEEDS]:
        yield path.read_bytes()


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def cache() -> Path:
    """Where inputs and findings are kept, outside of the checkout."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("HELIXNET_CACHE") or f"{home}/helixnet") / "fuzz"


def fuzz(name: str, seconds: int) -> bool:
    """Run one target; return whether it found nothing."""
    folder = cache() / name
    inputs, found = folder / "inputs", folder / "found"
    for each in (inputs, found):
        each.mkdir(parents=True, exist_ok=True)
    for data in seeds_of(name):
        (inputs / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    before = set(found.iterdir())
    command = [
        *(str(ROOT / "scripts" / "uv"), "run", "--quiet", "--locked", "--all-extras"),
        *("--with", ATHERIS, "python", "-m", "tests.fuzz.harness", name),
        *(f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={SLOWEST}"),
        *(f"-max_len={LONGEST}", f"-artifact_prefix={found}/", "-print_final_stats=1"),
        str(inputs),
    ]
    print(f"helixnet: fuzzing {name} for {seconds} s", flush=True)
    with (folder / "log").open("wb") as log:
        status = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
    new = sorted(set(found.iterdir()) - before)
    tail = (folder / "log").read_text("utf-8", "replace").splitlines()
    print(
        "\n".join(tail[-40:] if status or new else [line for line in tail if "stat::" in line][:1])
    )
    for path in new:
        print(f"helixnet: {name}: {path}", flush=True)
    return status == 0 and not new


def main(arguments: list[str]) -> int:
    """Fuzz the targets that are named, or all."""
    sys.path.insert(0, str(ROOT))
    from tests.fuzz.targets import known_formats  # noqa: PLC0415 - after the path

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600)
    args = parser.parse_args(arguments)
    results = [fuzz(name, args.seconds) for name in args.targets or known_formats()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
