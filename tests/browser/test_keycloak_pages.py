"""Logging in at a real Keycloak with a real Chromium: the page, Swagger, and a terminal."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from scripts.stack.server import Server

from helixnet.adapters.identity_oidc import OidcIdentity
from tests.scenario.running import command
from tests.stack.gateways import served
from tests.stack.realms import Realm, realm

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("keycloak"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def helixnet(keycloak: Server) -> Iterator[Realm]:
    with realm(keycloak) as made:
        yield made


@pytest.fixture(scope="module")
def url(helixnet: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    with served(folder, OidcIdentity(helixnet.issuer), password_form=False) as address:
        yield address


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    """A page of a fresh browser that fails the test on a script error or a breach of the policy."""
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_context(base_url=url).new_page()
        opened.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security" in said.text else None,
        )
        yield opened
        expect.set_options(timeout=5_000)
        browser.close()
    assert faults == []


def at_keycloak(page: Page, name: str = "demo") -> None:
    """Fill in Keycloak's own form."""
    page.locator("#username").fill(name)
    page.locator("#password").fill(name)
    page.locator("#kc-login").click()


def log_in(page: Page) -> None:
    page.goto("/#job/none")
    expect(page.get_by_label("User")).to_be_hidden()
    expect(page.locator("#away")).to_be_focused()
    page.keyboard.press("Enter")
    at_keycloak(page)


def test_the_page_logs_in_at_keycloak_and_out_again(page: Page, url: str) -> None:
    """By the keyboard; no code and no token stays in the address, and the place is kept."""
    log_in(page)
    expect(page.locator("#name")).to_have_text("demo")
    assert page.url == f"{url}/#job/none"
    assert page.evaluate("sessionStorage.getItem('login')") is None
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#away")).to_be_focused()
    page.locator("#away").click()
    expect(page.locator("#kc-login")).to_be_visible()  # Keycloak has forgotten the person too


def test_a_page_outlives_its_token(page: Page) -> None:
    """A token that the server no longer takes is renewed, and the reader notices nothing."""
    log_in(page)
    expect(page.locator("#name")).to_have_text("demo")
    page.evaluate("sessionStorage.setItem('token', 'expired')")
    page.evaluate("location.hash = ''")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.locator("#empty")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('token')").count(".") == 2
    page.evaluate("sessionStorage.setItem('token', 'x'); sessionStorage.setItem('refresh', 'y')")
    expect(page.get_by_text("Please log in again.")).to_be_visible()


@pytest.mark.parametrize("query", ["state=x&code=y", "state=x&error=access_denied"])
def test_a_login_that_was_begun_elsewhere_is_refused(page: Page, url: str, query: str) -> None:
    """A stranger can't log a person in as somebody else (RFC 6749, 10.12)."""
    page.goto(f"/?{query}")
    expect(page.get_by_text("That login was not begun here.")).to_be_visible()
    expect(page.locator("#away")).to_be_visible()
    assert page.url == f"{url}/"


def test_the_documentation_authorizes_at_keycloak(page: Page) -> None:
    """Swagger's Authorize goes through code and PKCE and then calls a protected route."""
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    with page.expect_popup() as opened:
        page.locator(".auth-btn-wrapper .authorize").click()
    at_keycloak(opened.value)
    expect(page.get_by_text("Authorized", exact=True)).to_be_visible()
    page.locator(".btn-done").click()
    page.locator("#operations-identity-me_api_v1_users_me_get").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response-col_description")
    expect(answer.get_by_text('"demo"').first).to_be_visible()


@pytest.mark.parametrize("said", ["yes", "no"])
def test_a_terminal_logs_in_through_a_browser(
    page: Page, url: str, tmp_path: Path, said: str
) -> None:
    """The device flow: the command waits for what a person does in whatever browser."""
    clean = {name: value for name, value in os.environ.items() if name[:9] != "HELIXNET_"}
    with subprocess.Popen(
        [sys.executable, "-m", "helixnet", "login", "--url", url],
        env=clean | {"HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as login:
        assert login.stderr is not None
        address = re.search(r"open (http\S+)", login.stderr.readline())
        assert address
        page.goto(address[1])
        at_keycloak(page)
        page.locator("#kc-login" if said == "yes" else "#kc-cancel").click()
        out, err = login.communicate(timeout=60)
    if said == "no":
        assert (login.returncode, "access_denied" in err) == (2, True), err
        return
    assert login.returncode == 0, err
    assert "logged in" in out
    done = command("jobs", "list", home=tmp_path, url=url)
    assert done.returncode == 0, done.stderr
