"""How often somebody may try something. Pure: the caller says what time it is."""

from collections import OrderedDict
from dataclasses import dataclass, field


class Limit:
    """`times` tries in a row for each key, then one more every `seconds / times`; in memory for `most` keys.

    One number is kept for a key: the moment at which all its tries are forgiven. The key that tried longest ago goes
    when there are too many.
    """

    def __init__(self, times: int, seconds: float, most: int = 10_000) -> None:
        self._pause, self._room, self._most = seconds / times, seconds - seconds / times, most
        self._forgiven: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Count a try at `now` (seconds); 0 when it may be, otherwise after how many seconds one more may be."""
        self._forget(now)
        forgiven = max(self._forgiven.get(key, now), now)
        if (wait := forgiven - now - self._room) > 1e-6:
            return wait
        self._forgiven[key] = forgiven + self._pause
        self._forgiven.move_to_end(key)
        if len(self._forgiven) > self._most:
            self._forgiven.popitem(last=False)
        return 0.0

    def __len__(self) -> int:
        return len(self._forgiven)

    def _forget(self, now: float) -> None:
        while self._forgiven and next(iter(self._forgiven.values())) <= now:
            self._forgiven.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process. Tries to sign in count for the address, for the user at that address, and for the user."""

    address: Limit = field(default_factory=lambda: Limit(30, 60))
    user_at_address: Limit = field(default_factory=lambda: Limit(10, 60))
    user: Limit = field(default_factory=lambda: Limit(60, 60))
    """High enough that a stranger elsewhere hardly keeps somebody from signing in at home."""
    wishes: Limit = field(default_factory=lambda: Limit(60, 60))
    """Starts and stops of one person."""

    def sign_in(self, user: str, address: str, now: float) -> float:
        """Count a try; after how many seconds it may be tried, 0 = now."""
        return (
            self.address.wait(address, now)
            or self.user_at_address.wait(f"{user}|{address}", now)
            or self.user.wait(user, now)
        )
