"""The page that shows the API's document, in a real browser: nothing comes from elsewhere, and it works."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.e2e.browser import ARGUMENTS
from tests.integration.query.harness import Running

CHROMIUM = shutil.which("chromium")
FILES = ("docs.js", "docs.css", "swagger-ui-bundle.js", "swagger-ui.css")


@pytest.fixture
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield browser.new_page()
        browser.close()


def test_a_browser_shows_it_and_tries_it_out(running: Running, page: Page) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{running.url}/docs")
    page.wait_for_selector("#operations-cameras-list_cameras")
    page.click("#operations-cameras-list_cameras .opblock-summary-control")
    page.click("#operations-cameras-list_cameras .try-out__btn")
    page.click("#operations-cameras-list_cameras .execute")
    answer = page.wait_for_selector("#operations-cameras-list_cameras .live-responses-table tbody .microlight")
    assert answer is not None
    assert '"camera_id": "busy-1"' in answer.inner_text()
    page.click("#operations-session-create_session .opblock-summary-control")
    page.wait_for_selector("#operations-session-create_session .opblock-body")
    assert [url for url in asked if not url.startswith((running.url, "data:"))] == []
    assert said == []
    assert f"{running.url}/api/v1/cameras" in asked


@pytest.mark.parametrize("path", ["/docs", *(f"/docs/{name}" for name in FILES)])
def test_its_files(running: Running, path: str) -> None:
    answer = httpx.get(running.url + path)
    assert answer.status_code == 200
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"].split("style-src")[0]
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    again = httpx.get(running.url + path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


ABSENT = (
    "/docs/", "/docs/index.html", "/docs/swagger-ui-bundle.js.map", "/docs/..%2fapp.js", "/docs/app.js", "/redoc",
    "/openapi.json", "/docs/oauth2-redirect",
)  # fmt: skip


@pytest.mark.parametrize("path", ABSENT)
def test_nothing_else_is_there(running: Running, path: str) -> None:
    assert httpx.get(running.url + path).status_code == 404


def test_the_document_has_an_etag(running: Running) -> None:
    address = f"{running.url}/api/v1/openapi.json"
    answer = httpx.get(address)
    assert answer.headers["Content-Type"] == "application/json"
    assert httpx.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert httpx.head(address).headers["ETag"] == answer.headers["ETag"]
