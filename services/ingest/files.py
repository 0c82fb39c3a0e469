"""`VideoQueue`: video files played as live, one after the other; the next child runs before the present file ends."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from libs.clock import real
from libs.contracts.positions import Position
from libs.observe import get_log
from libs.video.child import CaptureEnded
from libs.video.picture import Picture
from services.ingest.film import Film, Player
from services.ingest.queue import Queue

LEAD, LEAD_UNKNOWN = 3.0, 10.0
"""Real seconds before the end of a file at which the child of the next is started: a waiting child costs memory. One
that has not played yet gets more, so that even a child that has to be given up costs no slot."""

PATIENCE = 2.5
"""Real seconds that slots wait for pictures; what lacks then is held. The encoder draws slate after six of silence."""

log = get_log()


class NoPicture(Exception):
    """The source has nothing for this slot; the text says why, in words that may be published."""


class SourceEnded(Exception):
    """A list that is played once came to its end."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the pictures are asked for: `rate` a real second; their child may fall behind by `patience` real seconds.

    When it does, the following slots do not wait at all until pictures come again.
    """

    rate: float
    patience: float


PATIENT = Pace(rate=100.0, patience=math.inf)
"""Nobody waits for the pictures of a past run: each file is given all the time that a child may take."""


def live_pace(fps: int, speed: float) -> Pace:
    """The pace of a live run whose site clock runs `speed` times as fast as real time.

    What one picture may take can be caught up slot by slot, and is not yet long enough for slate on its own.
    """
    return Pace(fps * speed, PATIENCE)


class FileSource:
    """The pictures of a queue. `change` may be called from any thread, everything else from one at a time."""

    def __init__(
        self, queue: Queue, player: Player, pace: Pace, tell: Callable[[str], object], moved: Callable[[], object]
    ) -> None:
        """`tell` is given what people should know of a file; `moved` is called when another file begins or none will.

        Both are called from the thread that asks for pictures.
        """
        self.position: Position | None = None
        """What was shown last, and in which slot; None before the first picture."""
        self._queue, self._player, self._pace, self._tell, self._moved = queue, player, pace, tell, moved
        self._film: Film | None = None
        self._waiting: Film | None = None
        self._changes: deque[tuple[Sequence[str], bool]] = deque(maxlen=1)
        self._behind = 0.0
        self._lacking = False
        self._retry_at = 0.0
        self._trouble = ""
        self._good: set[str] = set()
        self._told: set[str] = set()
        self._began: dict[str, int] = {}

    def change(self, files: Sequence[str], loop: bool) -> None:
        """The list is another from the next boundary on."""
        self._changes.append((files, loop))

    @property
    def changing(self) -> bool:
        """Does a list wait that the next picture will take up?"""
        return bool(self._changes)

    def picture(self, slot: int) -> Picture:
        """The next picture. Raises NoPicture while no file gives one, SourceEnded at the end of a list played once."""
        if self._changes:
            self._obey(*self._changes.popleft())
        try:
            picture = self._next(slot)
        except NoPicture:
            if self.position is not None:
                self.position = replace(self.position, slot=slot)
            raise
        except SourceEnded:
            if self.position is not None:
                self.position = replace(self.position, ended=True)
                self._moved()
            raise
        finally:
            self._behind = max(0.0, self._behind - 1 / self._pace.rate)
        self._look_ahead()
        return picture

    def close(self) -> None:
        """End the children."""
        for film in (self._film, self._waiting):
            if film is not None:
                film.close()
        self._film = self._waiting = None

    def _next(self, slot: int) -> Picture:
        while True:
            film = self._film or self._begin(slot)
            asked = real()
            try:
                there = film.at_hand(0.0 if self._lacking else max(0.0, self._pace.patience - self._behind))
            except CaptureEnded as ended:
                self._end(film, ended.reason)
                continue
            finally:
                self._behind += real() - asked
            if there:
                return self._take(film, slot)
            self._lacking = True
            raise NoPicture(self._trouble or f"{film.name}: no picture yet")

    def _take(self, film: Film, slot: int) -> Picture:
        picture = film.take()
        self._lacking = False
        if film.given == 1:
            self._queue, self._trouble = self._queue.gave(), ""
            self._good.add(film.name)
        self.position = self._placed(film, slot)
        if film.given == 1:
            self._moved()
        return picture

    def _placed(self, film: Film, slot: int) -> Position:
        """Where the queue is with the picture that was just taken."""
        frame, then, fps = film.start + film.given - 1, self._queue.due, self._player.profile.fps
        last = self.position
        if last is not None and film.given > 1:
            return replace(last, frame=frame, slot=slot, then=then)
        before = (last.file, last.frame) if last is not None else ("", 0)
        return Position(film.name, frame, slot, fps, then, slot, *before)

    def _begin(self, slot: int) -> Film:
        """The next file plays; its child runs already, or is started."""
        queue = self._queue
        if not queue.files:
            raise NoPicture("no files")
        if queue.ended:
            raise SourceEnded
        if real() < self._retry_at:
            raise NoPicture(self._trouble)
        if queue.loop and slot < self._began.get(queue.due, -math.inf) + self._player.profile.fps:
            raise NoPicture(f"{queue.due}: shorter than a second, shown once a second")
        self._film, self._waiting = self._waiting or Film(self._player, queue.due, queue.start), None
        self._began[queue.due] = slot
        self._queue = queue.taken()
        return self._film

    def _end(self, film: Film, reason: str) -> None:
        """The file that played is over."""
        film.close()
        self._film = None
        if film.given:
            log.info("file_ended", file=film.name, pictures=film.given, reason=reason)
            if reason:
                self._tell_once(film.name, reason)
            else:
                self._told.discard(film.name)
        elif film.start:
            log.info("file_over_before", file=film.name, start=film.start, reason=reason)
        else:
            self._fail(film.name, reason)

    def _look_ahead(self) -> None:
        """Shortly before the end of a file the child of the next one is started, and proves itself meanwhile."""
        due = self._queue.due
        if self._waiting is None:
            lead = LEAD if due in self._good else LEAD_UNKNOWN
            over = self._film is None or self._film.left <= lead * self._pace.rate
            if not due or not over or real() < self._retry_at:
                return
            self._waiting = Film(self._player, due)
        try:
            self._waiting.at_hand(0.0)
        except CaptureEnded as ended:
            self._waiting.close()
            self._waiting = None
            self._queue = self._queue.taken()
            self._fail(due, ended.reason)

    def _fail(self, name: str, reason: str) -> None:
        """A file gave no picture: it is told, and the queue goes on."""
        why = reason or "holds no picture"
        self._trouble = f"{name}: {why}"
        self._good.discard(name)
        self._tell_once(name, why)
        self._queue = self._queue.failed()
        self._retry_at = real() + self._queue.pause

    def _tell_once(self, name: str, reason: str) -> None:
        """Once for each file, however many rounds there are."""
        if name not in self._told:
            self._told.add(name)
            log.warning("file_unreadable", file=name, reason=reason)
            self._tell(f"{name}: {reason}")

    def _obey(self, files: Sequence[str], loop: bool) -> None:
        """Take the new list; a child is ended whose file is not next any more, or was taken out before it showed."""
        self._queue = self._queue.changed(files, loop)
        self._retry_at, self._trouble = 0.0, ""
        if self._waiting is not None and self._waiting.name != self._queue.due:
            self._waiting.close()
            self._waiting = None
        if self._film is not None and not self._film.given and self._film.name not in files:
            self._film.close()
            self._film = None
        self._good &= set(files)
        self._told &= set(files)
        self._began = {name: slot for name, slot in self._began.items() if name in files}
