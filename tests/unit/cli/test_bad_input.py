"""Bad input: each kind has its own message and status, and none ends in a traceback."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.unit.cli.commanding import CONTEXT, SCHEMA, Command

TARGET = "target.schema.json"


def with_target(name: str) -> str:
    return CONTEXT.replace(TARGET, name)


@pytest.mark.parametrize(
    ("context", "code", "line"),
    [
        ("helixnet: 1\nname: [\n", "HX-4", 3),
        ("just a text\n", "HX-4", 1),
        ("", "HX-4", 1),
        (CONTEXT.replace("helixnet: 1", "helixnet: 2"), "HX-4002", 1),
        (CONTEXT.replace("helixnet: 1\n", ""), "HX-4002", 1),
        (CONTEXT + "mapp: {}\n", "HX-4003", 15),
        (with_target("none.json"), "HX-4201", 4),
        (with_target("../../etc/passwd"), "HX-4202", 4),
        (with_target("/etc/passwd"), "HX-4202", 4),
        (CONTEXT.replace("qty: QTY", "qty: QTZ"), "HX-4103", 14),
        (CONTEXT.replace("qty: QTY", "qty: QTY | float"), "HX-4104", 14),
        (CONTEXT.replace("qty: QTY", "qty: QTY +"), "HX-4101", 14),
        (CONTEXT.replace("qty: QTY", "qty: QTY\n  qtty: QTY"), "HX-4110", 15),
        (CONTEXT.replace("  id: ID\n", ""), "HX-4111", 13),
    ],
)
def test_a_bad_context_is_told_with_its_line(
    helixnet: Command, given: Path, context: str, code: str, line: int
) -> None:
    bad = given / "bad context.yaml"
    bad.write_text(context, "utf-8")
    ran = helixnet("run", bad, given / "good.csv")
    assert (ran.status, ran.out) == (2, "")
    assert any(
        text.startswith(f"{bad}:{line}:") and f"error {code}" in text
        for text in ran.err.splitlines()
    ), ran.err
    checked = helixnet("check", bad)
    assert checked.status == 2
    assert code in checked.out


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ("{", "HX-4203"),
        ('{"type": "text"}', "HX-4203"),
        ('{"$schema": "http://json-schema.org/draft-03/schema#"}', "HX-4203"),
        ('{"$ref": "https://example.com/order.json"}', "HX-4204"),
        ('{"$ref": "../secret.json"}', "HX-4202"),
        ('{"$ref": "file:///etc/passwd"}', "HX-4202"),
        ('{"$ref": "not-there.json"}', "HX-4201"),
        ('{"type": "object", "type": "array"}', "HX-4203"),
    ],
)
def test_a_bad_schema_is_told(helixnet: Command, given: Path, schema: str, code: str) -> None:
    (given / TARGET).write_text(schema, "utf-8")
    outcome = helixnet("run", given, given / "good.csv")
    assert outcome.status == 2
    assert f"error {code}" in outcome.err


def test_a_link_out_of_the_folder_is_not_followed(helixnet: Command, given: Path) -> None:
    (given / TARGET).unlink()
    (given / TARGET).symlink_to("/etc/passwd")
    outcome = helixnet("check", given)
    assert outcome.status == 2
    assert "HX-4202" in outcome.out


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\3\4 and nothing", "HX-4207"),
        (zipped({"a.txt": b""}), "HX-4207"),
        (zipped({"a.yaml": CONTEXT.encode(), "b.yaml": CONTEXT.encode()}), "HX-4207"),
        (zipped({"c.yaml": CONTEXT.encode(), TARGET: b" " * 80_000_000}), "HX-4207"),
        (zipped({"c.yaml": CONTEXT.encode(), "../" + TARGET: SCHEMA.encode()}), "HX-42"),
    ],
    ids=["no zip", "no context", "two contexts", "bomb", "leads out"],
)
def test_a_bad_bundle_is_refused(helixnet: Command, given: Path, content: bytes, code: str) -> None:
    (given / "b.zip").write_bytes(content)
    outcome = helixnet("run", given / "b.zip", given / "good.csv")
    assert outcome.status == 2
    assert f"error {code}" in outcome.err


def test_a_good_bundle_maps_as_its_folder_does(helixnet: Command, given: Path) -> None:
    files = {"context.yaml": CONTEXT.encode(), TARGET: SCHEMA.encode()}
    (given / "b.zip").write_bytes(zipped(files))
    zip_run = helixnet("run", given / "b.zip", given / "good.csv")
    assert zip_run.status == 0
    assert zip_run.out == helixnet("run", given, given / "good.csv").out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bytes(range(256)) * 40, "HX-5001"),
        (b"ID;ID;QTY\nA;B;1\n", "HX-5002"),
        (b"ID;QTY;" + b";".join(b"c%d" % number for number in range(1_000_000)), "HX-6002"),
        (b"ID;QTY\nA;1\n" + b"x" * 20_000_000 + b"\nB;1\n", "HX-6001"),
        (b"OTHER;NAMES\nA;1\n", "HX-1109"),
    ],
    ids=["binary", "doubled header", "a million columns", "a long line", "other columns"],
)
def test_a_file_that_can_not_be_used_is_refused(
    helixnet: Command, given: Path, content: bytes, code: str
) -> None:
    (given / "file.csv").write_bytes(content)
    outcome = helixnet("run", given, given / "file.csv", "-o", "out")
    assert outcome.status == 1
    assert code in outcome.err
    assert not Path("out").exists() or Path("out").read_bytes() == b""


def test_records_that_do_not_decode_are_rejects(helixnet: Command, given: Path) -> None:
    (given / "latin.csv").write_bytes("ID;QTY\nÄ;1\nB;2\n".encode("latin-1"))
    outcome = helixnet("run", given, given / "latin.csv")
    assert (outcome.status, outcome.out) == (1, '{"id":"B","qty":2.00}\n')
    assert "latin.csv:2:1: HX-1001" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["{given}", "no such.csv"],
        ["{given}", "."],
        ["{given}", "{given}/good.csv", "-o", "no/such/folder/out"],
        ["{given}", "{given}/good.csv", "-o", "."],
        ["{given}", "{given}/good.csv", "--rejects", "no/such/folder/r"],
        ["{given}"],
        ["{given}", "{given}/good.csv", "--format", "xml"],
    ],
)
def test_wrong_usage_is_told_in_one_line(
    helixnet: Command, given: Path, arguments: list[str]
) -> None:
    outcome = helixnet("run", *[argument.format(given=given) for argument in arguments])
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.strip()
    assert sorted(Path.cwd().iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_told(helixnet: Command, given: Path) -> None:
    outcome = helixnet("run", given, given / "good.csv", "-o", "/dev/full")
    assert outcome.status == 3
    assert "HX-7004: /dev/full: No space left on device" in outcome.err
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "helixnet", "run", str(given), str(given / "good.csv")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 3
    assert "HX-7004: standard output: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_leave_to_write_is_told(helixnet: Command, given: Path) -> None:
    Path.cwd().chmod(0o500)
    outcome = helixnet("run", given, given / "bad.csv")
    assert outcome.status == 2
    assert "Permission denied" in outcome.err


def test_a_package_that_is_not_installed_is_named() -> None:
    """The wheel has three sizes; a command of a larger one says which."""
    program = (
        "import sys; sys.modules['aiokafka'] = None\n"
        "from helixnet.cli.main import run\n"
        "sys.exit(run(['topics', 'apply', '--bus', 'kafka://127.0.0.1:9']))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "aiokafka" in done.stderr
    assert "helixnet[stack]" in done.stderr
    assert "Traceback" not in done.stderr


HEAD = "helixnet: 1\nname: c\nversion: 1.0.0\ntarget: {}\n"


@pytest.mark.parametrize(
    ("form", "action"), [("x12", "Send the right file"), ("xml", "Correct the text")]
)
def test_a_wrong_file_is_told_with_what_to_do(
    helixnet: Command, tmp_path: Path, form: str, action: str
) -> None:
    """A refusal that has no hint of its own says what its code says."""
    (tmp_path / "a.csv").write_text("A;B\n1;2\n")
    context = f"{HEAD}source: {{format: {form}}}\nmap: {{a: ST.ST01}}\n"
    (tmp_path / "c.yaml").write_text(context)
    ran = helixnet("run", tmp_path / "c.yaml", tmp_path / "a.csv")
    assert (ran.status, action in ran.err) == (1, True), ran.err
