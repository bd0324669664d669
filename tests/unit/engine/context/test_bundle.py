"""A bundle is a context with the files that it names, and nothing leads out of it."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest

from helixnet.engine.context.bundle import (
    bundle_from_files,
    bundle_from_zip,
    load_bundle,
)
from helixnet.engine.context.reader import read_context
from helixnet.errors import ContextError

CONTEXT = b"helixnet: 1\nname: a\nversion: 1\ntarget: s.json\nsource: {format: csv}\nmap: {a: x}\n"


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def refusal(error: pytest.ExceptionInfo[ContextError]) -> tuple[str, str]:
    (problem,) = error.value.problems
    text = str(problem)
    return text.split("error ")[1].split(":", maxsplit=1)[0], text


def test_a_file_takes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "my contexts",
        {
            "c.yaml": CONTEXT
            + b"lookups: {u: {file: tables/u.csv, key: A, value: B}}\n"
            + b"template: t.j2\n",
            "s.json": b'{"$ref": "parts/b.json#/$defs/x"}',
            "parts/b.json": b'{"allOf": [{"$ref": "c%20d.json"}], "$ref": "#/x"}',
            "parts/c d.json": b'{"$ref": "http://example.com/e.json"}',
            "tables/u.csv": b"A,B\n",
            "t.j2": b"{% include 'u.j2' %}{% if x %}{% import 'v.j2' as v %}{% endif %}",
            "u.j2": b"{{ x }",
            "orders.csv": b"data",
            "other.yaml": b"helixnet: 1",
        },
    )
    bundle = load_bundle(folder / "c.yaml")
    assert bundle.entry == "c.yaml"
    assert sorted(bundle.files) == [
        "c.yaml",
        "parts/b.json",
        "parts/c d.json",
        "s.json",
        "t.j2",
        "tables/u.csv",
        "u.j2",
    ]


def test_references_of_an_inline_schema_are_taken(tmp_path: Path) -> None:
    text = CONTEXT.replace(b"s.json", b"{properties: {a: {$ref: s.json}}, allOf: [{$ref: '#/x'}]}")
    folder = written(tmp_path, {"c.yaml": text, "s.json": b"{}", "t.json": b"{}"})
    assert sorted(load_bundle(folder / "c.yaml").files) == ["c.yaml", "s.json"]


def test_an_idoc_grammar_is_taken(tmp_path: Path) -> None:
    text = CONTEXT.replace(b"{format: csv}", b"{format: idoc, grammar: g.txt}")
    folder = written(tmp_path, {"c.yaml": text, "g.txt": b"x", "s.json": b"{}"})
    assert sorted(load_bundle(folder / "c.yaml").files) == ["c.yaml", "g.txt", "s.json"]


def test_a_folder_is_its_one_context(tmp_path: Path) -> None:
    files = {"c.yaml": CONTEXT, "s.json": b"{}", "g.yaml": b"segments: {}\n", "orders.csv": b"x"}
    folder = written(tmp_path, files)
    assert load_bundle(folder) == load_bundle(folder / "c.yaml")


def test_a_broken_context_is_a_bundle_for_the_reader_to_explain(tmp_path: Path) -> None:
    folder = written(tmp_path, {"c.yaml": b"helixnet: 1\na: [\n"})
    assert [one.code for one in read_context(load_bundle(folder)).problems] == ["HX-4009"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": b"x"}, "has no context"),
        ({"a.yaml": b"name: helixnet\n"}, "has no context"),
        ({"a.yaml": CONTEXT, "b.yml": b"helixnet: 1\n"}, "several contexts: `a.yaml`, `b.yml`"),
    ],
)
def test_a_folder_or_zip_has_exactly_one_context(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(ContextError) as folder_error:
        load_bundle(written(tmp_path, files))
    with pytest.raises(ContextError) as zip_error:
        bundle_from_zip(packed(files))
    for error in (folder_error, zip_error):
        code, text = refusal(error)
        assert code == "HX-4207"
        assert message in text


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ContextError) as error:
        load_bundle(tmp_path / "no.yaml")
    assert "no such file or folder" in refusal(error)[1]


def test_a_missing_file_is_left_to_the_reader(tmp_path: Path) -> None:
    bundle = load_bundle(written(tmp_path, {"c.yaml": CONTEXT}) / "c.yaml")
    (problem,) = read_context(bundle).problems
    assert (problem.code, problem.mark.line, problem.mark.column) == ("HX-4201", 4, 9)


@pytest.mark.parametrize("name", ["../s.json", "a/../../s.json"])
def test_a_name_that_leads_out_loads_nothing(tmp_path: Path, name: str) -> None:
    written(tmp_path, {"s.json": b"{}", "in/c.yaml": CONTEXT.replace(b"s.json", name.encode())})
    bundle = load_bundle(tmp_path / "in" / "c.yaml")
    assert list(bundle.files) == ["c.yaml"]
    assert [one.code for one in read_context(bundle).problems] == ["HX-4202"]


def test_an_absolute_name_loads_nothing(tmp_path: Path) -> None:
    name = str(tmp_path / "s.json").encode()
    written(tmp_path, {"s.json": b"{}", "in/c.yaml": CONTEXT.replace(b"s.json", name)})
    assert list(load_bundle(tmp_path / "in" / "c.yaml").files) == ["c.yaml"]


@pytest.mark.parametrize("link", ["s.json", "parts"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, link: str) -> None:
    target = "s.json" if link == "s.json" else "parts/s.json"
    written(tmp_path, {"out/s.json": b"{}"})
    folder = written(tmp_path / "in", {"c.yaml": CONTEXT.replace(b"s.json", target.encode())})
    (folder / link).symlink_to(tmp_path / "out" / ("s.json" if link == "s.json" else ""))
    with pytest.raises(ContextError) as error:
        load_bundle(folder)
    code, text = refusal(error)
    assert code == "HX-4202"
    assert text.startswith("c.yaml:4:9:")


def test_a_link_inside_the_folder_and_a_link_to_the_folder_are_fine(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", {"c.yaml": CONTEXT, "real.json": b"{}"})
    (folder / "s.json").symlink_to("real.json")
    (tmp_path / "link").symlink_to(folder)
    assert sorted(load_bundle(tmp_path / "link").files) == ["c.yaml", "s.json"]


def test_links_in_a_circle_are_a_missing_file(tmp_path: Path) -> None:
    folder = written(tmp_path, {"c.yaml": CONTEXT})
    (folder / "s.json").symlink_to("s.json")
    bundle = load_bundle(folder)
    assert [one.code for one in read_context(bundle).problems] == ["HX-4201"]


def test_a_special_file_is_not_read(tmp_path: Path) -> None:
    folder = written(tmp_path, {"c.yaml": CONTEXT})
    os.mkfifo(folder / "s.json")
    assert list(load_bundle(folder).files) == ["c.yaml"]


def test_the_hash_depends_on_names_and_contents_only() -> None:
    one = bundle_from_files("c.yaml", {"c.yaml": CONTEXT, "s.json": b"{}"})
    two = bundle_from_files("./c.yaml", {"s.json": b"{}", "c.yaml": CONTEXT})
    assert one == two
    assert one.hash == "sha256:f0fb6f620f43f65e33b70e887e9ad6aba3def7e5b0e787c4800a9832a17353a1"
    others = [
        bundle_from_files("c.yaml", {"c.yaml": CONTEXT, "s.json": b"{} "}),
        bundle_from_files("c.yaml", {"c.yaml": CONTEXT, "t.json": b"{}"}),
        bundle_from_files("c.yaml", {"c.yaml": CONTEXT + b"s", ".json": b"{}"}),
    ]
    assert len({one.hash, *(other.hash for other in others)}) == 4


def test_a_bundle_travels_between_processes() -> None:
    bundle = bundle_from_files("c.yaml", {"c.yaml": CONTEXT, "s.json": b"{}"})
    again = pickle.loads(pickle.dumps(bundle))  # noqa: S301  # our own bytes
    assert again == bundle
    assert again.files == bundle.files
    assert len({again, bundle}) == 1


def test_a_bundle_survives_its_zip() -> None:
    files = {"c.yaml": CONTEXT, "d.yaml": CONTEXT, "a/s.json": b"{}", "zero": bytes(10_000_000)}
    bundle = bundle_from_files("c.yaml", files)
    assert bundle.to_zip() == bundle_from_files("c.yaml", dict(reversed(files.items()))).to_zip()
    again = bundle_from_zip(bundle.to_zip())
    assert again == bundle
    assert again.files == bundle.files


def test_a_context_in_a_folder_of_the_zip_makes_that_folder_the_root() -> None:
    data = packed({"acme/c.yaml": CONTEXT, "acme/x/s.json": b"{}", "readme.txt": b"", "acme/": b""})
    assert sorted(bundle_from_zip(data).files) == ["c.yaml", "x/s.json"]


def test_hidden_files_of_a_zip_are_left_out() -> None:
    data = packed({"c.yaml": CONTEXT, "__MACOSX/._c.yaml": CONTEXT, ".git/x.yaml": CONTEXT})
    assert list(bundle_from_zip(data).files) == ["c.yaml"]


def test_a_zip_is_loaded_from_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, {"b.zip": packed({"c.yaml": CONTEXT})}) / "b.zip"
    assert load_bundle(path).entry == "c.yaml"


@pytest.mark.parametrize(
    ("entry", "files", "code"),
    [
        ("c.yaml", {}, "HX-4207"),
        ("../c.yaml", {"c.yaml": CONTEXT}, "HX-4207"),
        ("c.yaml", {"c.yaml": CONTEXT, "../s.json": b""}, "HX-4202"),
        ("c.yaml", {"c.yaml": CONTEXT, "/s.json": b""}, "HX-4202"),
        ("c.yaml", {"c.yaml": CONTEXT, "./c.yaml": b""}, "HX-4207"),
        ("c.yaml", {"c.yaml": CONTEXT, **{f"{n}.json": b"" for n in range(1000)}}, "HX-4207"),
        ("c.yaml", {"c.yaml": b"#" * (1024 * 1024 + 1)}, "HX-4207"),
        ("c.yaml", {"c.yaml": CONTEXT, "a": bytes(64 * 1024 * 1024)}, "HX-4207"),
    ],
    ids=["empty", "entry out", "out", "absolute", "twice", "many", "large context", "large"],
)
def test_files_that_make_no_bundle_are_refused(
    entry: str, files: dict[str, bytes], code: str
) -> None:
    with pytest.raises(ContextError) as error:
        bundle_from_files(entry, files)
    assert refusal(error)[0] == code


def test_too_large_a_file_is_not_read_whole(tmp_path: Path) -> None:
    folder = written(tmp_path, {"c.yaml": CONTEXT})
    with (folder / "s.json").open("wb") as stream:
        stream.truncate(10 * 1024**3)
    with pytest.raises(ContextError) as error:
        load_bundle(folder)
    assert refusal(error)[0] == "HX-4207"


def _encrypted(data: bytes) -> bytes:
    changed = bytearray(data)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[data.index(sign) + offset] |= 1
    return bytes(changed)


def _linked() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("c.yaml", CONTEXT)
        info = zipfile.ZipInfo("s.json")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def _corrupt(data: bytes) -> bytes:
    at = data.index(b"c.yaml") + 10
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "HX-4207", "no zip"),
        (b"helixnet: 1", "HX-4207", "no zip"),
        (packed({"c.yaml": CONTEXT})[:-1], "HX-4207", "no zip"),
        (packed({"c.yaml": CONTEXT})[20:], "HX-4207", "broken"),
        (_corrupt(packed({"c.yaml": CONTEXT})), "HX-4207", "broken"),
        (_encrypted(packed({"c.yaml": CONTEXT})), "HX-4207", "encrypted"),
        (_linked(), "HX-4207", "is a link"),
        (packed({"c.yaml": CONTEXT, "../s.json": b""}), "HX-4202", "leads out"),
        (packed({"c.yaml": CONTEXT, "/s.json": b""}), "HX-4202", "leads out"),
        (packed({"c.yaml": CONTEXT, "a\\..\\s.json": b""}), "HX-4202", "leads out"),
        (packed({"c.yaml": CONTEXT, "./c.yaml": b""}), "HX-4207", "stands twice"),
        (packed({str(n): b"" for n in range(1001)}), "HX-4207", "more than 1000 entries"),
        (packed({str(n): b"" for n in range(30_000)}), "HX-4207", "more than 1000 entries"),
        (packed({"c.yaml": CONTEXT, "z": bytes(10**7)}), "HX-4207", "over 100 times its size"),
        (packed({"z": bytes(2**26 + 1)}, zipfile.ZIP_STORED), "HX-4207", "larger than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_zip_is_refused_with_its_reason(data: bytes, code: str, message: str) -> None:
    with pytest.raises(ContextError) as error:
        bundle_from_zip(data)
    found, text = refusal(error)
    assert found == code
    assert message in text


def test_many_small_bombs_are_bounded_together() -> None:
    half = os.urandom(350_000) + bytes(33 * 2**20)
    data = packed({"c.yaml": CONTEXT, "a": half, "b": half})
    with pytest.raises(ContextError) as error:
        bundle_from_zip(data)
    assert "unpacks to more than" in refusal(error)[1]
