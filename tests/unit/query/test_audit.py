"""What is written down of who looks: once in ten minutes, and never more than memory holds."""

import asyncio

from libs.clock import SiteClock, parse_simulated
from services.query.people.audit import MAX_QUEUED, MAX_REFUSED_IN_WINDOW, Audit


def test_looks_are_said_once_in_a_window() -> None:
    audit = Audit(SiteClock.from_text(""), None)
    before = audit.waiting
    for _ in range(1000):
        audit.viewed("kim", "cam1")
        audit.exported("kim", "cam1", "archive.mp4")
        audit.denied("kim", "GET /api/v1/users", "not allowed")
        audit.not_signed_in("kim", "10.0.0.1")
    assert before == 0
    assert audit.waiting in (4, 5, 6, 7, 8)  # a window may end meanwhile
    audit.viewed("lee", "cam1")
    audit.viewed("kim", "cam2")
    assert audit.waiting in range(6, 11)


async def test_the_next_window_says_them_again() -> None:
    audit = Audit(SiteClock(parse_simulated("2026-03-02T09:00:00Z@1000")), None)
    audit.viewed("kim", "cam1")
    await asyncio.sleep(0.9)  # fifteen minutes of site time
    audit.viewed("kim", "cam1")
    assert audit.waiting == 2


def test_strangers_fill_no_memory() -> None:
    audit = Audit(SiteClock.from_text(""), None)
    for number in range(5 * MAX_REFUSED_IN_WINDOW):
        audit.denied(f"10.{number >> 8}.{number & 255}.1", "api", "not signed in")
    assert audit.waiting <= 2 * MAX_REFUSED_IN_WINDOW
    audit.viewed("kim", "cam1")  # they push out nobody's looks
    assert audit.waiting <= 2 * MAX_REFUSED_IN_WINDOW + 1
    for number in range(2 * MAX_QUEUED):
        audit.granted("boss", f"account user-{number}", "role guardian")
    assert audit.waiting == MAX_QUEUED
