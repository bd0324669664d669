"""docs/operations.md has every setting and metric as the code has them."""

from pathlib import Path

from helixnet.metrics import TABLE
from helixnet.settings import describe, load

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
ROWS = PAGE.splitlines()


def test_every_setting_is_in_the_table() -> None:
    expected = [
        f"| `{shown.name}` | {f'`{shown.value}`' if shown.value else ''} | {shown.doc} |"
        for shown in describe(load({}, {}))
    ]
    assert [row for row in expected if row not in ROWS] == []


def test_every_metric_is_in_the_table() -> None:
    expected = [
        f"| `{name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.doc} |"
        for name, metric in TABLE.items()
    ]
    assert [row for row in expected if row not in ROWS] == []
    assert sum(row.startswith("| `helixnet_") for row in ROWS) == len(TABLE)
