"""A reader of the live stream gets exactly what it wants and has not got yet, in order, or is told that it cannot."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.query.live.positions import BadId, Place, Position, name_streams, read_position
from services.query.live.ring import Message, Overtaken, Reader, Ring, Wanted
from services.query.live.texts import message

CAMERAS, KINDS, SEVERITIES = ("a", "b"), ("event", "camera"), ("info", "danger")
Said = tuple[int, int, int]
"""A message: stream, sequence, and which of those of its fact."""


@dataclass
class Site:
    """Two streams of facts, and what each of them shows."""

    dice: random.Random
    facts: list[dict[int, list[Message]]] = field(default_factory=lambda: [{}, {}])

    def fact(self) -> tuple[int, int]:
        """One more, now and then after a sequence that is gone; some show nothing, some two things."""
        stream = self.dice.randrange(2)
        sequence = max(self.facts[stream], default=0) + self.dice.choice((1, 1, 1, 2))
        camera = self.dice.choice(CAMERAS)
        shown = []
        for number in range(self.dice.choice((0, 1, 1, 1, 2))):
            severity = self.dice.choice((None, *SEVERITIES))
            text = message("event", f'"{stream}/{sequence}/{number}"'.encode())
            shown.append(Message(self.dice.choice(KINDS), camera, text, severity))
        self.facts[stream][sequence] = shown
        return stream, sequence

    def ring(self, size: int, back: int) -> Ring:
        """A process that starts: it tells the newest facts again, the streams mixed as they come."""
        ring = Ring(size, 1 << 20)
        ring.restart("0badcafe")
        waiting = [sorted(of)[max(0, len(of) - back) :] for of in self.facts]
        for stream in (0, 1):
            ring.begin(stream, waiting[stream][0] - 1 if waiting[stream] else max(self.facts[stream], default=0))
        while any(waiting):
            stream = self.dice.choice([number for number in (0, 1) if waiting[number]])
            sequence = waiting[stream].pop(0)
            ring.tell(stream, sequence, self.facts[stream][sequence])
        return ring

    def wanted(self, want: Wanted, after: Place) -> set[Said]:
        return {
            (stream, sequence, number)
            for stream, of in enumerate(self.facts)
            for sequence, shown in of.items()
            if sequence > after[stream]
            for number, one in enumerate(shown)
            if want.wants(one)
        }


def parsed(text: bytes) -> list[tuple[Position, Said]]:
    """Ids and messages of what was said."""
    found = []
    for one in text.decode().split("\n\n")[:-1]:
        at, _, data = one.split("\n")
        stream, sequence, number = (int(part) for part in data.removeprefix("data: ").strip('"').split("/"))
        found.append((read_position(at.removeprefix("id: ")), (stream, sequence, number)))
    return found


@dataclass
class Person:
    """Somebody who watches, goes away and comes back."""

    site: Site
    want: Wanted
    reader: Reader | None = None
    has: Place = (0, 0)
    since: Place = (0, 0)
    got: list[Said] = field(default_factory=list)
    resets: int = 0

    def come(self, ring: Ring) -> None:
        held = ring.holds(ring.position(self.has))
        assert held != "ahead"
        self.reset(ring) if held == "no" else self._reads(Reader(ring, self.want, self.has), self.has)

    def reset(self, ring: Ring) -> None:
        self.resets += 1
        self._reads(Reader(ring, self.want), ring.here)

    def _reads(self, reader: Reader, after: Place) -> None:
        """`after`: what is had of both streams; every message counts from there."""
        self.reader, self.has, self.since, self.got = reader, after, after, []

    def read(self, ring: Ring, most: int) -> None:
        assert self.reader is not None
        try:
            text = self.reader.take(most)
        except Overtaken:
            self.reset(ring)
            return
        for position, said in parsed(text):
            assert said not in self.got, "twice within one connection"
            assert said in self.site.wanted(self.want, self.since), "not wanted, or had before"
            self.got.append(said)
            assert position.place[0] >= self.has[0] and position.place[1] >= self.has[1], "an id that goes back"
            self.has = position.place
        if not text:
            self.has = self.reader.position.place

    def check(self) -> None:
        """Everything wanted up to the id is there: whoever comes back with it misses nothing."""
        done = {one for one in self.site.wanted(self.want, self.since) if one[1] <= self.has[one[0]]}
        assert done <= set(self.got), f"lost {done - set(self.got)}"
        for stream in (0, 1):
            mine = [said for said in self.got if said[0] == stream]
            assert mine == sorted(mine), "out of order"


def _wanted(dice: random.Random) -> Wanted:
    def some(of: tuple[str, ...]) -> frozenset[str] | None:
        return dice.choice((None, None, frozenset(dice.sample(of, 1))))

    return Wanted(some(CAMERAS), some(KINDS), some(SEVERITIES))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 12), st.integers(0, 20))
def test_nobody_loses_anything_without_being_told(seed: int, size: int, back: int) -> None:
    dice = random.Random(seed)
    site = Site(dice)
    ring = site.ring(size, back)
    people = [Person(site, _wanted(dice)) for _ in range(3)]
    for person in people:
        person.come(ring)
    for _ in range(120):
        person = dice.choice(people)
        match dice.choice(("fact", "fact", "fact", "read", "read", "leave", "restart")):
            case "fact":
                stream, sequence = site.fact()
                ring.tell(stream, sequence, site.facts[stream][sequence])
            case "read":
                person.read(ring, dice.choice((1, 300, 10_000)))
                person.check()
            case "leave":
                person.come(ring)
            case "restart" if dice.random() < 0.2:
                ring = site.ring(size, back)
                for one in people:
                    one.come(ring)
    for person in people:
        before = -1
        while before != (before := len(person.got)):
            person.read(ring, 1)
        person.read(ring, 1)
        person.check()
        assert person.has == ring.here
        assert set(person.got) == site.wanted(person.want, person.since), "everything since the last reset or return"


def test_a_ring_that_is_long_enough_resets_nobody() -> None:
    dice = random.Random(5)
    site = Site(dice)
    ring = site.ring(1000, 1000)
    person = Person(site, Wanted())
    person.come(ring)
    for number in range(400):
        stream, sequence = site.fact()
        ring.tell(stream, sequence, site.facts[stream][sequence])
        if number % 3 == 0:
            person.read(ring, 1)
        if number % 50 == 0:
            ring = site.ring(1000, 1000)
            person.come(ring)
    assert person.resets == 0


def test_a_ring_is_bounded_by_bytes_too() -> None:
    ring = Ring(1000, 10_000)
    ring.restart("00000000")
    ring.begin(0, 0)
    for sequence in range(1, 101):
        ring.tell(0, sequence, [Message("event", "a", b"x" * 1000)])
    assert ring.end - ring.first == 9
    assert (ring.holds(Position("00000000", (90, 0))), ring.holds(Position("00000000", (91, 0)))) == ("no", "yes")


def test_what_a_fact_shows_is_told_again_when_only_half_of_it_came() -> None:
    ring = Ring()
    ring.restart("00000000")
    ring.begin(0, 4)
    ring.begin(1, 7)
    ring.tell(0, 5, [Message("event", "a", b"one\n\n"), Message("look", "a", b"two\n\n")])
    reader = Reader(ring, Wanted(), (4, 7))
    assert reader.take(1) == b"id: 00000000.4.7\none\n\n"
    assert reader.take(1) == b"id: 00000000.5.7\ntwo\n\n"


def test_other_streams_are_other_streams() -> None:
    ring = Ring()
    ring.restart(name_streams("2026-03-02", "2026-03-03"))
    ring.begin(0, 10)
    ring.begin(1, 10)
    reader = Reader(ring, Wanted())
    assert ring.holds(Position(ring.streams, (10, 10))) == "yes"
    assert ring.holds(Position(ring.streams, (11, 10))) == "ahead"
    assert ring.holds(Position(ring.streams, (9, 10))) == "no"
    assert ring.holds(Position(name_streams("2026-03-02", "2026-03-04"), (10, 10))) == "no"
    ring.restart(name_streams("2026-03-02", "2026-03-04"))
    with pytest.raises(Overtaken):
        reader.take(1)


@given(st.text("0123456789abcdef", min_size=8, max_size=8), st.integers(0, 10**18), st.integers(0, 10**18))
def test_an_id_is_read_as_it_was_written(streams: str, events: int, cameras: int) -> None:
    position = Position(streams, (events, cameras))
    assert read_position(str(position)) == position


@pytest.mark.parametrize(
    "text",
    ["", "x", "0badcafe", "0badcafe.1", "0badcafe.1.2.3", "0BADCAFE.1.2", "0badcafe.-1.2", "0badcafe.01.2",
     "0badcafe.1.2 ", "0badcafe.1.٣", "0badcafe.1.2\n", "0badcafe." + "9" * 40 + ".1"],
)  # fmt: skip
def test_what_is_no_id_is_none(text: str) -> None:
    with pytest.raises(BadId):
        read_position(text)
