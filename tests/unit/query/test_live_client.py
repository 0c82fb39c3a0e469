"""What one client of the live stream is told, and when; and when what is told counts as the present."""

from dataclasses import dataclass, field

import orjson
import pytest

from libs.bus import Batch, Place, Received
from libs.contracts.streams import EVENTS
from services.query.live.client import AHEAD_FOR, PING_EVERY, WELCOME, Asked, Client
from services.query.live.feed import Anew, Feed
from services.query.live.ring import Message, Ring
from services.query.live.standing import LATE_FOR, QUIET_FOR, STARTS_FOR, Condition, why_not_live
from services.query.live.texts import LIVE, message, state
from services.query.people.rights import Principal

GUARDIAN, DIRECTOR = Principal("g", "guardian", frozenset({"sun"})), Principal("d", "director")
NOW = 1000.0


@dataclass
class Source:
    """What there is to tell."""

    ring: Ring = field(default_factory=Ring)
    ready: bool = True
    state: bytes = LIVE

    def __post_init__(self) -> None:
        self.ring.restart("0badcafe")
        self.ring.begin(0, 10)
        self.ring.begin(1, 5)

    def tell(self, sequence: int, camera: str = "sun") -> None:
        self.ring.tell(0, sequence, [Message("event", camera, message("event", b"%d" % sequence))])


@dataclass
class Talk:
    """A client, and who it is taken for."""

    source: Source
    who: Principal | None = DIRECTOR
    asked: Asked = field(default_factory=Asked)
    last_id: str | None = None

    def __post_init__(self) -> None:
        assert self.who is not None
        self.client = Client(self.source, self.asked, self.who, lambda: self.who)
        assert self.client.begin(self.last_id, NOW) == WELCOME

    def says(self, now: float = NOW) -> list[str]:
        """Everything that is said at a moment, in short: `event 11`, `reset overtaken`."""
        said = []
        while text := self.client.next(now):
            for one in text.decode().split("\n\n")[:-1]:
                fields = dict(line.split(": ", 1) for line in one.split("\n"))
                data = orjson.loads(fields.get("data", "null"))
                word = data.get("why", data.get("live", "")) if isinstance(data, dict) else data
                short = (
                    fields.get("event", fields.get("", "")),
                    "" if word is None else str(word),
                    fields.get("id", ""),
                )
                said.append(" ".join(part.removeprefix("0badcafe.") for part in short if part))
        return said


def test_who_has_nothing_gets_an_id_and_what_comes() -> None:
    source = Source()
    source.tell(11)
    talk = Talk(source)
    assert talk.says() == ["hello 11.5"]
    source.tell(12)
    source.tell(13)
    assert talk.says() == ["event 12 12.5", "event 13 13.5"]


def test_who_comes_back_gets_the_rest() -> None:
    source = Source()
    source.tell(11)
    source.tell(12)
    assert Talk(source, last_id="0badcafe.11.5").says() == ["11.5", "event 12 12.5"]
    assert Talk(source, last_id="0badcafe.12.5").says() == ["12.5"]


@pytest.mark.parametrize(
    ("last_id", "why"),
    [("", "unknown-id"), ("nonsense", "unknown-id"), ("00000000.11.5", "unknown-streams"), ("0badcafe.9.5", "too-old")],
)
def test_who_cannot_be_told_everything_is_told_so(last_id: str, why: str) -> None:
    source = Source()
    source.tell(11)
    talk = Talk(source, last_id=last_id)
    assert talk.says() == [f"reset {why} 11.5"]
    source.tell(12)
    assert talk.says() == ["event 12 12.5"]


def test_who_knows_more_than_this_process_is_waited_for() -> None:
    source = Source()
    late, never = Talk(source, last_id="0badcafe.11.5"), Talk(source, last_id="0badcafe.99.5")
    assert late.says() == never.says() == []
    assert never.client.due <= NOW + AHEAD_FOR
    source.tell(11)
    source.tell(12)
    assert late.says(NOW + 1) == ["11.5", "event 12 12.5"]
    assert never.says(NOW + AHEAD_FOR)[0] == "reset too-old 12.5"


def test_who_is_too_slow_is_told_so() -> None:
    source = Source(Ring(most=2))
    talk = Talk(source)
    assert talk.says() == ["hello 10.5"]
    for sequence in range(11, 15):
        source.tell(sequence)
    assert talk.says() == ["reset overtaken 14.5"]


def test_a_ping_bears_the_id_of_what_was_passed_over() -> None:
    source = Source()
    talk = Talk(source, GUARDIAN)
    assert talk.says() == ["hello 10.5"]
    source.tell(11, "moon")
    assert talk.says(NOW + PING_EVERY - 1) == []
    assert talk.says(NOW + PING_EVERY) == ["ping 11.5"]
    assert talk.client.due == NOW + 2 * PING_EVERY


def test_rights_end_and_change_while_one_listens() -> None:
    source = Source()
    talk = Talk(source, GUARDIAN)
    assert talk.says() == ["hello 10.5"]
    talk.who = Principal("g", "guardian", frozenset({"moon"}))
    assert talk.says(NOW + PING_EVERY)[0] == "reset rights-changed 10.5"
    source.tell(11, "sun")
    source.tell(12, "moon")
    assert talk.says(NOW + PING_EVERY) == ["event 12 12.5"]
    talk.who = None
    source.tell(13, "moon")
    assert talk.says(NOW + 2 * PING_EVERY) == []
    assert talk.client.over


def test_asking_for_others_cameras_gives_nothing() -> None:
    source = Source()
    talk = Talk(source, GUARDIAN, Asked(cameras=frozenset({"moon"})))
    source.tell(11, "moon")
    source.tell(12, "sun")
    assert talk.says() == ["hello 12.5"]
    source.tell(13, "moon")
    source.tell(14, "sun")
    assert talk.says() == []


def test_silence_is_not_taken_for_peace() -> None:
    source = Source(ready=False, state=state("bus-away", "2026-03-02T00:00:00.000Z"))
    talk = Talk(source)
    assert talk.says() == ["state bus-away"]
    assert talk.says(NOW + PING_EVERY) == ["ping"]
    source.ready, source.state = True, LIVE
    assert talk.says(NOW + PING_EVERY) == ["state True", "hello 10.5"]


def test_what_counts_as_the_present() -> None:
    feed = Feed(0, EVENTS, Place("one", 3), Place("one", 3), heard=NOW)
    well = Condition(connected=True, database_away=False, ready=True, began=0.0, now=NOW)
    assert why_not_live(well, [feed]) == ""
    assert why_not_live(Condition(False, False, True, 0.0, NOW), [feed]) == "bus-away"
    assert why_not_live(Condition(True, True, True, 0.0, NOW), [feed]) == "database-away"
    assert why_not_live(Condition(False, True, False, NOW - 1, NOW), []) == "starting"
    assert why_not_live(Condition(False, True, False, NOW - STARTS_FOR, NOW), []) == "bus-away"
    later = Condition(True, False, True, 0.0, NOW + QUIET_FOR + 1)
    assert why_not_live(later, [feed]) == "bus-away"
    feed.late = NOW
    assert why_not_live(later, [feed]) == "views-behind"
    assert why_not_live(Condition(True, False, True, 0.0, NOW + LATE_FOR), [feed]) == ""


def _received(sequence: int, name: str) -> Received:
    return Received(sequence, "event.detected.danger.sun", {"Nats-Msg-Id": name}, b"")


def test_what_is_heard_again_is_passed_over_and_what_is_another_begins_anew() -> None:
    feed = Feed(0, EVENTS, Place("one", 9), Place("one", 9))
    first = Batch((_received(8, "a"), _received(9, "b")), caught_up=False, incarnation="one")
    assert feed.begin(first) == 7
    assert [one.sequence for one in feed.new(first.messages)] == [8, 9]
    feed.took(9, caught_up=False)
    assert feed.started
    assert feed.begin(first) is None
    again = (_received(8, "a"), _received(9, "b"), _received(10, "c"))
    assert [one.sequence for one in feed.new(again)] == [10]
    with pytest.raises(Anew):
        feed.new((_received(9, "x"),))


def test_an_empty_stream_begins_at_its_end() -> None:
    feed = Feed(1, EVENTS, Place("one", 9), Place("one", 9))
    assert feed.begin(Batch((), caught_up=False)) is None
    assert feed.begin(Batch((), caught_up=True)) == 9
