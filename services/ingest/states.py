"""The state of a camera: what its pictures say, what else is wrong with it, and when that is worth a fact. Pure.

Two machines. `Sight` folds slots, one after the other, into what the pictures say; it counts in slots. `Observed` puts
that together with everything else that is known of the camera and decides when a `camera.observed` is due; it counts in
milliseconds of site time. Of several states the worst is said: see `WORST_FIRST`.
"""

from dataclasses import dataclass, replace

from libs.contracts.facts import CameraState
from libs.contracts.frames import Kind
from services.ingest.domain import HOLD_SECONDS
from services.ingest.health import Verdict

LATE_SECONDS = 10
LATE_FROM, LATE_UNTIL = 0.3, 0.1
"""Pictures come late when more than the first share of the last ten seconds was held, until less than the second was.

A single hole is held for three seconds and is no more than the first share of ten."""

CAUSE_SECONDS = 10
"""Another cause of the same state counts once it stood so long: a list of bad files names each for a moment."""

SAY_EVERY_MS = 10_000
"""At most one `camera.observed` in this time."""

STARTING_AFTER_MS = 3_500
"""A camera that shows a picture, or slate, within this is never called `starting`."""

NOTICE_SETTLES_MS = 4_000
"""Notices wait so long for more: bad files come in rows, and if the picture ends too, one fact tells of both."""

CAUSE_MOST, LAST_CAUSE_MOST = 600, 8_000
"""Characters of a cause; the second in the last fact of a run, which must hold whatever was not said yet."""

NOTICE_MOST = 450
"""Characters of a notice: the longest name of a file, and a sentence."""

_AND = "; "

WORST_FIRST: tuple[CameraState, ...] = (
    "stopped",
    "offline",
    "frozen",
    "covered",
    "dark",
    "starting",
    "degraded",
    "online",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A state, and why, in words that may be published."""

    state: CameraState
    cause: str = ""


STARTING, ONLINE = Seen("starting"), Seen("online")
BROKEN = Seen("offline", "the recording broke and begins anew")
CLOCK = Seen("degraded", "clock: the clock of this machine was set back")
HEALTH: dict[Verdict, Seen] = {
    "online": ONLINE,
    "dark": Seen("dark", "there is hardly any light"),
    "covered": Seen("covered", "the picture is plain: something is before the lens"),
    "frozen": Seen("frozen", "nothing in the picture has changed for 30 s"),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What the slots since `first` amount to; `seen` is what they say of the camera."""

    first: int
    seen: Seen = STARTING
    shown: bool = False
    """Was there ever a picture?"""
    held: int = 0
    """A bit for each of the last `slots` slots, the newest lowest: was it held?"""
    slots: int = 0
    late: Seen | None = None
    why: str = ""
    why_from: int = 0


def look(sight: Sight, slot: int, kind: Kind, why: str, verdict: Verdict, fps: int) -> Sight:
    """One more slot. `why`: what the source said when it gave no picture; `verdict`: the health of the last picture."""
    if why and why != sight.why:
        sight = replace(sight, why=why, why_from=slot)
    sight = _counted(sight, kind, fps)
    if kind == "s":
        return replace(sight, seen=_without_picture(sight, slot, fps))
    late = sight.late if sight.late is not None else ONLINE
    return replace(sight, shown=True, seen=_worst(HEALTH[verdict], late))


def _counted(sight: Sight, kind: Kind, fps: int) -> Sight:
    """Count the slot as held or captured; slate begins the count anew."""
    if kind == "s":
        return replace(sight, held=0, slots=0, late=None)
    most = LATE_SECONDS * fps
    held = (sight.held << 1 | (kind == "h")) & ((1 << most) - 1)
    slots, late = min(sight.slots + 1, most), sight.late
    if late is None and slots == most and held.bit_count() > LATE_FROM * most:
        late = Seen("degraded", f"too few pictures: {sight.why}")
    elif late is not None and held.bit_count() < LATE_UNTIL * most:
        late = None
    return replace(sight, held=held, slots=slots, late=late)


def _without_picture(sight: Sight, slot: int, fps: int) -> Seen:
    if not sight.shown and slot - sight.first < HOLD_SECONDS * fps:
        return STARTING
    if sight.seen.state != "offline" or slot - sight.why_from >= CAUSE_SECONDS * fps:
        return Seen("offline", sight.why)
    return sight.seen


def _worst(*seen: Seen) -> Seen:
    """The first of the worst."""
    return min(seen, key=lambda one: WORST_FIRST.index(one.state))


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is known of a camera, and what was said of it last."""

    since_ms: int
    """Since when it is in its state."""
    pictures: Seen = STARTING
    clock_behind: bool = False
    ended: Seen | None = None
    notices: tuple[str, ...] = ()
    """What people have not been told yet: one reason for each bad file."""
    notice_ms: int = 0
    said: Seen | None = None
    said_ms: int = 0
    ordinal: int = 0

    @property
    def present(self) -> Seen:
        """The state that the camera is in."""
        return self.ended or _worst(self.pictures, CLOCK if self.clock_behind else ONLINE)


@dataclass(frozen=True, slots=True)
class Words:
    """What a fact says."""

    ordinal: int
    seen: Seen
    since_ms: int


def see_pictures(observed: Observed, seen: Seen, now_ms: int) -> Observed:
    """The pictures say this now."""
    return _since(replace(observed, pictures=seen), observed, now_ms)


def see_clock(observed: Observed, behind: bool, now_ms: int) -> Observed:
    """Is the wall clock behind the site clock?"""
    return _since(replace(observed, clock_behind=behind), observed, now_ms)


def see_end(observed: Observed, cause: str, now_ms: int) -> Observed:
    """The run came to its end."""
    return _since(replace(observed, ended=Seen("stopped", cause)), observed, now_ms)


def see_beginning(observed: Observed, now_ms: int, *, anew: bool) -> Observed:
    """A recording begins. `anew`: another process may have spoken meanwhile, so nothing is known and all must be said.

    Otherwise the camera is what it was until the recording says more: one that broke is offline.
    """
    begun = replace(observed, ended=None)
    if anew:
        begun = replace(begun, pictures=STARTING, said=None)
    return _since(begun, observed, now_ms)


def hear(observed: Observed, notice: str, now_ms: int) -> Observed:
    """Something that people should know although the camera goes on."""
    text = notice if len(notice) <= NOTICE_MOST else f"{notice[: NOTICE_MOST - 1]}…"
    if observed.present == observed.said and text in observed.said.cause.split(_AND):
        return observed
    since = observed.notice_ms if observed.notices else now_ms
    return replace(observed, notices=(*observed.notices, text), notice_ms=since)


def worth_saying(observed: Observed, now_ms: int) -> bool:
    """Is a `camera.observed` due? On change only, not too often, and no `starting` for a camera that just starts."""
    changed = observed.present != observed.said
    if observed.ended is not None and changed:
        return True
    if observed.said is not None and now_ms - observed.said_ms < SAY_EVERY_MS:
        return False
    if observed.present.state == "starting":
        return changed and now_ms - observed.since_ms >= STARTING_AFTER_MS
    return changed or (bool(observed.notices) and now_ms - observed.notice_ms >= NOTICE_SETTLES_MS)


def say(observed: Observed, now_ms: int, *, last: bool = False) -> tuple[Observed, Words]:
    """Say it. A camera that is well otherwise is `degraded` by a notice, until the next fact says that it is well.

    `last`: nothing will be said after this.
    """
    present = observed.present
    texts, rest = _fitting(present, observed.notices, last=last or present.state == "stopped")
    after = replace(observed, said=present, said_ms=now_ms, notices=rest, ordinal=observed.ordinal + 1)
    if not texts:
        return after, Words(observed.ordinal, present, observed.since_ms)
    cause = _AND.join([present.cause, *texts] if present.cause else texts)
    if present != ONLINE:
        return after, Words(observed.ordinal, Seen(present.state, cause), observed.since_ms)
    seen = Seen("degraded", cause)
    return replace(after, said=seen, since_ms=now_ms), Words(observed.ordinal, seen, observed.notice_ms)


def _fitting(present: Seen, notices: tuple[str, ...], *, last: bool) -> tuple[list[str], tuple[str, ...]]:
    """The notices that one fact holds, and those that wait for the next; what the cause says already is said."""
    said = present.cause.split(_AND)
    left = (LAST_CAUSE_MOST if last else CAUSE_MOST) - len(present.cause)
    texts: list[str] = []
    for at, notice in enumerate(notices):
        if notice in said:
            continue
        left -= len(notice) + len(_AND)
        if left < 0 and texts:
            return texts, notices[at:]
        texts.append(notice)
    return texts, ()


def _since(after: Observed, before: Observed, now_ms: int) -> Observed:
    return after if after.present.state == before.present.state else replace(after, since_ms=now_ms)
