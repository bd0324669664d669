"""The pages in a real Chromium: usable, by keyboard too, and without serious barriers."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.scenario.conftest import example
from tests.scenario.running import EmbeddedHelix, Person
from tests.scenario.test_jobs import BAD, GOOD, HEADER, edited

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def helix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHelix]:
    running = EmbeddedHelix(tmp_path_factory.mktemp("helix") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def job(helix: EmbeddedHelix) -> str:
    """A finished job with one reject."""
    person = Person(helix.url, "demo")
    lenient = edited(example("orders-csv"), "stop_at: 50%", "stop_at: 90%")
    return str(
        person.wait(person.submit((HEADER + GOOD + BAD).encode(), lenient, name="shown.csv"))[
            "job_id"
        ]
    )


@pytest.fixture
def page(helix: EmbeddedHelix, tmp_path: Path) -> Iterator[Page]:
    """A page of a fresh browser that fails the test on any script error."""
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(base_url=helix.url)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        yield opened
        opened.screenshot(path=str(tmp_path / "last.png"))
        browser.close()
    assert faults == []


def log_in(page: Page) -> None:
    """Log in with the keyboard alone."""
    page.goto("/")
    expect(page.get_by_label("User")).to_be_focused()
    page.keyboard.type("demo")
    page.keyboard.press("Tab")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {json.dumps(item['nodes'][0]['html'])}"
        for item in found
        if item["impact"] in {"serious", "critical"}
    ]


def test_a_person_finds_a_job_by_keyboard(page: Page, job: str) -> None:
    """Log in, open a job, read its counts, rejects and result, without a mouse."""
    log_in(page)
    link = page.get_by_role("link", name="shown.csv")
    expect(link).to_be_visible()
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("PARTIAL").first).to_be_visible()
    expect(page.get_by_text("HX-1102").first).to_be_visible()
    expect(page.get_by_text('"orderId"').first).to_be_visible()
    assert job


def test_a_new_job_appears_without_reloading(page: Page, helix: EmbeddedHelix, job: str) -> None:
    log_in(page)
    expect(page.get_by_role("link", name="shown.csv")).to_be_visible()
    person = Person(helix.url, "demo")
    person.submit((HEADER + GOOD).encode(), example("orders-csv"), name="arrived.csv")
    expect(page.get_by_role("link", name="arrived.csv").first).to_be_visible(timeout=30_000)
    assert job


@pytest.mark.parametrize("where", ["login", "jobs", "job"])
def test_axe_finds_nothing_serious(page: Page, job: str, where: str) -> None:
    """WCAG rules that a program can check hold on every page."""
    if where == "login":
        page.goto("/")
        expect(page.get_by_label("User")).to_be_visible()
    else:
        log_in(page)
        link = page.get_by_role("link", name="shown.csv")
        expect(link).to_be_visible()
        if where == "job":
            link.click()
            expect(page.get_by_text("HX-1102").first).to_be_visible()
    assert serious(page) == []
    assert job


def test_the_documentation_authorizes(page: Page) -> None:
    """Swagger's Authorize takes name and password and then calls a protected route."""
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#oauth_username").fill("demo")
    page.locator("#oauth_password").fill("demo")
    page.locator(".auth-btn-wrapper .authorize").click()
    expect(page.get_by_text("Authorized", exact=True)).to_be_visible()
    page.locator(".btn-done").click()
    page.locator("#operations-identity-me_api_v1_users_me_get").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response-col_description")
    expect(answer.get_by_text('"tenant"').first).to_be_visible()
