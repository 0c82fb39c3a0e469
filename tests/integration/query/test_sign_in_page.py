"""The page of a site with users, in a real browser: signing in, what one may do, and out again."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.browser import ARGUMENTS
from tests.integration.query.harness import start_query, until
from tests.integration.query.people import PASSWORD, Site
from tests.nats_server import NatsServer

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def site(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    cameras = "- {id: cam1, name: 햇살반}\n- {id: cam2, name: 별빛반}\n"
    query = start_query(tmp_path_factory.mktemp("page"), make_server().url, cameras)
    until("query is ready", query.is_ready, 10)
    site = Site(query.url)
    site.close()
    assert site.add("mother", "guardian", "cam1").status_code == 201
    yield site
    query.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield browser.new_page(locale="ko-KR", viewport={"width": 420, "height": 800})
        browser.close()


def enter(page: Page, user: str, password: str) -> None:
    page.fill("#user", user)
    page.fill("#password", password)
    page.click("#enter")


def test_nothing_is_shown_before_one_signs_in_nor_after(site: Site, page: Page, tmp_path: Path) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(site.url)
    expect(page.locator("#sign-in-title")).to_have_text("돌봄에 들어가기")
    expect(page.locator("#main")).to_be_hidden()
    enter(page, "mother", "not her password")
    expect(page.locator("#refused")).to_have_text("사용자 또는 비밀번호가 맞지 않습니다.")
    page.screenshot(path=tmp_path / "sign-in.png")
    enter(page, "mother", PASSWORD)
    expect(page.locator("#name")).to_have_text("햇살반")
    expect(page.locator("#sign-in")).to_be_hidden()
    expect(page.locator("#cameras")).to_be_hidden()  # the other room is not hers
    expect(page.locator("#wish")).to_be_hidden()
    assert "별빛반" not in page.content()
    page.reload()
    expect(page.locator("#name")).to_have_text("햇살반")
    page.click("#sign-out")
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page.locator("#main")).to_be_hidden()
    assert said == []


def test_who_may_stop_a_camera_is_offered_it(site: Site, page: Page) -> None:
    page.goto(site.url)
    enter(page, "boss", PASSWORD)
    expect(page.locator("#cameras a")).to_have_count(2)
    expect(page.locator("#wish")).to_have_text("카메라 끄기")


def test_a_removed_user_is_shown_the_door(site: Site, page: Page) -> None:
    assert site.add("father", "guardian", "cam1").status_code == 201
    page.goto(site.url)
    enter(page, "father", PASSWORD)
    expect(page.locator("#name")).to_have_text("햇살반")
    assert site.ask("DELETE", "/api/v1/users/father", site.admin).status_code == 204
    expect(page.locator("#sign-in")).to_be_visible(timeout=10_000)
