"""Changes of people, as the API makes them: in the control database, known to this process when they are done, and
each refusal as a problem.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import AsyncEngine

from services.query.people.accounts import NoSuchUser, UserTaken
from services.query.people.passwords import Busy
from services.query.people.rules import LastAdmin, Unfit
from services.query.people.signing import TooMany
from services.query.records.reading import AWAY
from services.query.records.rows import Away
from services.query.rest.lists import away, opened
from services.query.rest.problems import Problem, not_found, unavailable
from services.query.site import Site


@asynccontextmanager
async def people_of(site: Site) -> AsyncIterator[AsyncEngine]:
    """The control database. Raises the Problem of what cannot be done."""
    now = opened(site)
    try:
        yield now.control
    except NoSuchUser as problem:
        raise not_found() from problem
    except Unfit as problem:
        raise Problem(422, str(problem)) from problem
    except UserTaken as problem:
        raise Problem(409, f"There is a user {problem} already.", "user-taken") from problem
    except LastAdmin as problem:
        raise Problem(409, "This is the last admin: make another one first.", "last-admin") from problem
    except TooMany as problem:
        raise Problem(
            409, "The user has as many tokens as one may have: remove one first.", "too-many-tokens"
        ) from problem
    except Busy as problem:
        raise unavailable("busy", "Too many people sign in at this moment.") from problem
    except AWAY as problem:
        raise away() from problem
    with suppress(Away, *AWAY):  # then it is known within a second after the database is back
        await site.directory.refresh(now)
