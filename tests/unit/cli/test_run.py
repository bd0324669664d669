"""``helixnet run``: what it prints, writes and returns, and what it leaves behind."""

import io
import json
import os
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.cli.commanding import CONTEXT, Command

GOOD = '{"id":"A","qty":1.50}\n{"id":"B","qty":1000.00}\n'


def started(arguments: Sequence[object], **how: object) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [sys.executable, "-m", "helixnet", *map(str, arguments)]
    return subprocess.run(command, text=True, timeout=60, check=False, **how)  # type: ignore[call-overload]


def left_behind() -> list[str]:
    return sorted(path.name for path in Path.cwd().iterdir())


def test_documents_go_to_standard_output_and_counts_to_standard_error(
    helixnet: Command, given: Path
) -> None:
    outcome = helixnet("run", given / "context.yaml", given / "good.csv")
    assert (outcome.status, outcome.out) == (0, GOOD)
    assert "2 records: 2 used, 0 rejected, 0 skipped; 2 documents" in outcome.err
    assert left_behind() == []


def test_rejects_go_to_a_file_in_the_working_folder(helixnet: Command, given: Path) -> None:
    outcome = helixnet("run", given, given / "bad.csv")
    assert outcome.status == 1
    assert outcome.out == '{"id":"A","qty":1.50}\n{"id":"C","qty":2.00}\n'
    assert left_behind() == ["bad.csv.rejects.ndjson"]
    lines = Path("bad.csv.rejects.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["line"] for line in lines] == [3, 5]
    assert "bad.csv:3:3: HX-1102" in outcome.err
    assert "rejects in bad.csv.rejects.ndjson" in outcome.err


def test_a_reject_is_told_with_its_hint(helixnet: Command, given: Path) -> None:
    (given / "bad.csv").write_text("ID;QTY\nA;1.5\n", "utf-8")
    outcome = helixnet("run", given, given / "bad.csv")
    assert (outcome.status, "(it is read with decimal point" in outcome.err) == (1, True)


def test_rejects_of_an_earlier_run_do_not_stay(helixnet: Command, given: Path) -> None:
    """Once the file is mended, nothing beside it says that records are rejected."""
    assert helixnet("run", given, given / "bad.csv").status == 1
    (given / "bad.csv").write_text("ID;QTY\nA;1,50\nB;1000\n", "utf-8")
    outcome = helixnet("run", given, given / "bad.csv", "--rejects", "other")
    assert "bad.csv.rejects.ndjson" in left_behind()
    outcome = helixnet("run", given, given / "bad.csv")
    assert (outcome.status, outcome.out) == (0, GOOD)
    assert "bad.csv.rejects.ndjson of an earlier run is removed" in outcome.err
    assert left_behind() == ["other"]


@pytest.mark.parametrize("content", ["", "notes\n", "[]\n", '{"file":"other.csv","errors":[]}\n'])
def test_a_file_that_is_no_rejects_of_this_input_stays(
    helixnet: Command, given: Path, content: str
) -> None:
    Path("good.csv.rejects.ndjson").write_text(content, "utf-8")
    assert helixnet("run", given, given / "good.csv").status == 0
    assert Path("good.csv.rejects.ndjson").read_text("utf-8") == content


def test_output_and_rejects_go_where_they_are_sent(helixnet: Command, given: Path) -> None:
    outcome = helixnet(
        "run",
        given,
        given / "bad.csv",
        given / "good.csv",
        "-o",
        "a b.json",
        "--rejects",
        "r",
        "--format",
        "json",
    )
    assert (outcome.status, outcome.out) == (1, "")
    assert [one["id"] for one in json.loads(Path("a b.json").read_text("utf-8"))] == list("ACAB")
    assert len(Path("r").read_text("utf-8").splitlines()) == 2
    assert left_behind() == ["a b.json", "r"]


def test_files_of_one_name_have_rejects_of_their_own(helixnet: Command, given: Path) -> None:
    (given / "sub").mkdir()
    (given / "sub" / "bad.csv").write_text("ID;QTY\n;1\n", "utf-8")
    assert helixnet("run", given, given / "bad.csv", given / "sub" / "bad.csv").status == 1
    assert left_behind() == ["bad.csv.2.rejects.ndjson", "bad.csv.rejects.ndjson"]


@pytest.mark.parametrize(
    "outputs",
    [
        ["-o", "{given}/good.csv"],
        ["--rejects", "{given}/../in put/good.csv"],
        ["-o", "{given}/context.yaml"],
        ["-o", "x", "--rejects", "./x"],
    ],
)
def test_nothing_that_is_read_is_overwritten(
    helixnet: Command, given: Path, outputs: list[str]
) -> None:
    before = (given / "good.csv").read_bytes()
    where = [output.format(given=given) for output in outputs]
    outcome = helixnet("run", given / "context.yaml", given / "good.csv", *where)
    assert outcome.status == 2
    assert "would be overwritten" in outcome.err
    assert (given / "good.csv").read_bytes() == before
    assert left_behind() == []


def test_an_array_of_nothing_is_an_array(helixnet: Command, given: Path) -> None:
    (given / "empty.csv").write_bytes(b"")
    outcome = helixnet("run", given, given / "empty.csv", "--format", "json")
    assert (outcome.status, json.loads(outcome.out)) == (0, [])


@pytest.mark.parametrize("content", [b"", b"ID;QTY\n", b"ID;QTY", b"\xef\xbb\xbfID;QTY\r\n"])
def test_no_bytes_or_a_header_alone_are_no_records(
    helixnet: Command, given: Path, content: bytes
) -> None:
    (given / "empty.csv").write_bytes(content)
    outcome = helixnet("run", given, given / "empty.csv")
    assert (outcome.status, outcome.out) == (0, "")
    assert "0 records" in outcome.err


def test_the_pipe_is_a_file(
    helixnet: Command, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.BytesIO((given / "bad.csv").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=piped))
    outcome = helixnet("run", given, "-")
    assert outcome.status == 1
    assert "stdin:3:3: HX-1102" in outcome.err
    assert left_behind() == ["stdin.rejects.ndjson"]


def test_a_named_pipe_is_a_file(given: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["sh", "-c", f"cat '{given}/good.csv' > pipe"]):
        ended = started(["run", given, "pipe"], stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout) == (0, GOOD)


def test_a_reader_that_goes_away_ends_the_command_quietly(given: Path) -> None:
    rows = "".join(f"{number % 99999};1\n" for number in range(20_000))
    (given / "long.csv").write_text("ID;QTY\n" + rows, "utf-8")
    line = f"'{sys.executable}' -m helixnet run '{given}' '{given}/long.csv' | head -1"
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == '{"id":"0","qty":1.00}\n'
    assert "Traceback" not in ended.stderr
    assert "Error" not in ended.stderr


def test_the_whole_file_fails_when_one_record_may_not(helixnet: Command, given: Path) -> None:
    context = given / "strict.yaml"
    context.write_text(CONTEXT + "on_error: {scope: file}\n", "utf-8")
    outcome = helixnet("run", context, given / "bad.csv")
    assert (outcome.status, outcome.out) == (1, "")
    assert "FAILED: HX-5006" in outcome.err
    assert left_behind() == ["bad.csv.rejects.ndjson"]
    assert helixnet("run", context, given / "good.csv").out == GOOD


@pytest.mark.parametrize(
    ("limit", "fails"), [("1", True), ("2", False), ("49%", True), ("50%", False)]
)
def test_too_many_rejects_fail_the_file(
    helixnet: Command, given: Path, limit: str, *, fails: bool
) -> None:
    context = given / "limited.yaml"
    context.write_text(f"{CONTEXT}on_error: {{stop_at: {limit}}}\n", "utf-8")
    outcome = helixnet("run", context, given / "bad.csv", "-o", "out")
    assert outcome.status == 1
    assert ("FAILED: HX-5007" in outcome.err) is fails
    assert Path("out").exists() is not fails
    assert Path("bad.csv.rejects.ndjson").exists()


def test_a_failed_run_leaves_the_old_output_alone(helixnet: Command, given: Path) -> None:
    context = given / "strict.yaml"
    context.write_text(CONTEXT + "on_error: {scope: file}\n", "utf-8")
    Path("out").write_text("old", "utf-8")
    assert helixnet("run", context, given / "bad.csv", "-o", "out").status == 1
    assert Path("out").read_text("utf-8") == "old"


def test_a_link_and_a_mode_survive_the_new_output(helixnet: Command, given: Path) -> None:
    Path("real").write_text("old", "utf-8")
    Path("real").chmod(0o640)
    Path("link").symlink_to("real")
    assert helixnet("run", given, given / "good.csv", "-o", "link").status == 0
    assert Path("link").is_symlink()
    assert Path("real").read_text("utf-8") == GOOD
    assert Path("real").stat().st_mode & 0o777 == 0o640


def test_what_is_no_file_is_written_directly(helixnet: Command, given: Path) -> None:
    assert helixnet("run", given, given / "good.csv", "-o", "/dev/null").status == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("policy", ["allow", "warn", "reject", "fail"])
def test_drift_is_told_rejected_or_refused(helixnet: Command, given: Path, policy: str) -> None:
    context = given / "drift.yaml"
    context.write_text(CONTEXT.replace("  fields:", f"  on_drift: {policy}\n  fields:"), "utf-8")
    (given / "more.csv").write_text("ID;NEW;QTY\nA;?;1\n", "utf-8")
    outcome = helixnet("run", context, given / "more.csv")
    assert outcome.status == {"reject": 1, "fail": 1}.get(policy, 0)
    assert (outcome.out != "") is (policy in {"allow", "warn"})
    assert ("NEW" in outcome.err) is (policy != "allow")
    codes = {"reject": "HX-1108", "fail": "HX-5003"}
    assert codes.get(policy, "") in outcome.err


def test_inputs_come_from_the_command_line(helixnet: Command, given: Path) -> None:
    context = given / "inputs.yaml"
    context.write_text(
        CONTEXT + "  plant: inputs.plant\ninputs: {plant: {type: string}}\n", "utf-8"
    )
    mapped = helixnet("run", context, given / "good.csv", "--input", "plant=a=b")
    assert '"plant":"a=b"' in mapped.out
    assert "HX-4302" in helixnet("run", context, given / "good.csv").err
    assert helixnet("run", context, given / "good.csv").status == 2
    assert helixnet("run", context, given / "good.csv", "--input", "plant").status == 2


def test_progress_shows_on_a_terminal_only(helixnet: Command, given: Path) -> None:
    (given / "long.csv").write_text("ID;QTY\n" + "A;1\n" * 2000, "utf-8")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [sys.executable, "-m", "helixnet", "run", str(given), str(given / "long.csv")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        seen = b""
        while block := until_closed(ours):
            seen += block
    os.close(ours)
    assert running.returncode == 0
    assert b"long.csv: " in seen
    assert b"/2000 " in seen
    assert helixnet("run", given, given / "long.csv").err.count("\n") == 1


def until_closed(descriptor: int) -> bytes:
    """Read what a terminal shows; Linux ends it with an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
