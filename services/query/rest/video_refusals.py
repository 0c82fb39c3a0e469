"""Why a video is not taken, as problems."""

import contextlib
import errno
from collections.abc import Iterator

from starlette.requests import ClientDisconnect

from libs.media import MediaError
from services.query.commands import Unregistered, Unwritten
from services.query.rest.problems import Problem, not_found, unavailable
from services.query.rest.queues import BadName, NameTaken, NoFilm, NoSuchFile, OtherFiles, QueueFull
from services.query.rest.uploads import InProgress, NoProbe, NoSpace, NotPlayable, TooLarge, TooMany, TooSlow

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_FIXED: dict[type[Exception], tuple[int, str, str]] = {
    NameTaken: (409, "There is a file of this name.", "name-taken"),
    InProgress: (409, "A file of this name is being received.", "name-taken"),
    QueueFull: (409, "The queue is full: take a file out first.", "queue-full"),
    OtherFiles: (409, "The order must name every file of the queue once.", "other-files"),
    TooLarge: (413, "The file is larger than a video may be here.", "too-large"),
    NoSpace: (507, "The file would take space that recordings need.", "no-space"),
    TooSlow: (408, "The file does not come.", "too-slow"),
    ClientDisconnect: (400, "The file did not come whole.", "cut-off"),
}


@contextlib.contextmanager
def refusals(name: str) -> Iterator[None]:
    """Turn what stands against a change of the queue into its problem; `name`: the file that it is about."""
    try:
        yield
    except tuple(_FIXED) as problem:
        raise Problem(*_FIXED[type(problem)]) from problem
    except (BadName, NoFilm) as problem:
        status, kind = (422, "bad-name") if isinstance(problem, BadName) else (415, "no-video")
        raise Problem(status, f"name: {problem}", kind) from problem
    except NotPlayable as problem:
        raise Problem(422, f"{name} {problem}.", "not-playable") from problem
    except NoSuchFile as problem:
        raise Problem(422, f"The queue holds no file {str(problem)[:200]!r}.", "no-such-file") from problem
    except Unregistered as problem:
        raise not_found() from problem
    except (TooMany, NoProbe, Unwritten, MediaError, OSError) as problem:
        raise _not_now(problem) from problem


def _not_now(problem: Exception) -> Problem:
    match problem:
        case TooMany():
            return unavailable("busy", "Other videos are being received; try again when they are there.", 5)
        case NoProbe():
            return unavailable("no-probe", "Whether it can be played could not be found out here.", 5)
        case Unwritten():
            detail = "The bus does not answer, so it may not be recorded. Try again with the same Idempotency-Key."
            return unavailable("bus-away", detail, 2)
        case OSError() if problem.errno in _NO_SPACE:
            return Problem(*_FIXED[NoSpace])
        case _:
            return unavailable("no-media", "The media store cannot be reached now.", 5)
