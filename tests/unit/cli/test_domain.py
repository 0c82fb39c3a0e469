"""Order of videos, ports, pauses and words."""

import pytest

from cli.domain import Backoff, bus_line, ended, is_loopback, is_video, ports, queue, unusable_name
from libs.contracts.cameras import too_long


def test_people_count_numbers() -> None:
    assert queue(["10 끝.mp4", "2 놀이.mp4", "1 아침.mp4"]) == ["1 아침.mp4", "2 놀이.mp4", "10 끝.mp4"]
    assert queue(["cam9b.ts", "Cam10.ts", "cam9.ts"]) == ["cam9.ts", "cam9b.ts", "Cam10.ts"]


def test_hangul_sorts_the_same_however_it_is_composed() -> None:
    composed, parted = "가2.mp4", "\u1100\u116110.mp4"
    assert queue([parted, composed]) == [composed, parted]


@pytest.mark.parametrize("name", ["a.mp4", "A B.MP4", "놀이.MoV", "x.y.m2ts", "a.3gp"])
def test_a_video(name: str) -> None:
    assert is_video(name)


@pytest.mark.parametrize("name", [".a.mp4", "mp4", ".mp4", "a.mp4.part", "a.txt", "a.", "a"])
def test_no_video(name: str) -> None:
    assert not is_video(name)


def test_a_name_that_cannot_stand_in_a_queue() -> None:
    assert unusable_name("a\nb.mp4")
    assert unusable_name(".a.mp4")
    assert unusable_name("a" * 201)
    assert unusable_name("a b 놀이.mp4") is None


def test_a_queue_fits_into_a_fact() -> None:
    assert not too_long(f"{n:04}.mp4" for n in range(1000))
    assert too_long(f"{n:04} {'놀' * 40}.mp4" for n in range(1000))


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("192.168.0.2", False), ("::", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_who_can_reach_a_host(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_ports() -> None:
    assert list(ports(8080)) == list(range(8080, 8131))
    assert list(ports(65_530)) == [65_530, 65_531, 65_532, 65_533, 65_534, 65_535]
    assert list(ports(0)) == [0]


def test_pauses_double_on_quick_deaths_up_to_the_longest() -> None:
    backoff, pause, pauses = Backoff(first=0.5, longest=30.0, settled_after=30.0), None, []
    for _ in range(8):
        pause = backoff.after(0.1, pause)
        pauses.append(pause)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_long_life_is_forgiven() -> None:
    backoff = Backoff(first=0.5, longest=30.0, settled_after=30.0)
    assert backoff.after(30.0, 16.0) == 0.5
    assert backoff.after(29.9, 16.0) == 30.0


def test_words_for_an_end() -> None:
    assert ended("encoder", -9, 0.5, "x.log") == "encoder ended (killed by signal 9); started again"
    assert ended("query", 2, 4.0, "x.log") == "query ended (exit status 2); starting again in 4 s, its log is x.log"


def test_the_password_goes_to_a_terminal_only() -> None:
    shown = bus_line("127.0.0.1", 4223, "s3cret", "data/nats/observer.password")
    kept = bus_line("127.0.0.1", 4223, None, "data/nats/observer.password")
    assert "nats -s nats://observer:s3cret@127.0.0.1:4223 sub 'event.>'" in shown
    assert "nats://observer:…@127.0.0.1:4223" in kept
    assert "data/nats/observer.password" in kept
    assert "data/nats/observer.password" not in shown
