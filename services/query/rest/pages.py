"""Bodies that were made, kept as long as nothing that they might show has changed."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

KEPT = 256
"""Pages kept in memory; one has some kilobytes."""
MAX_KEPT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A finished body."""

    version: int
    body: bytes
    etag: str


@dataclass(slots=True)
class Pages:
    """Bodies that were made since the views changed last."""

    _held: OrderedDict[Hashable, Page] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, version: int) -> Page | None:
        """The page, if nothing that it might show changed since it was made."""
        page = self._held.get(key)
        if page is None or page.version != version:
            return None
        self._held.move_to_end(key)
        return page

    def put(self, key: Hashable, page: Page) -> None:
        """Keep it, and forget the one that was not asked for the longest."""
        if len(page.body) <= MAX_KEPT_BYTES:
            self._held[key] = page
            self._held.move_to_end(key)
            if len(self._held) > KEPT:
                self._held.popitem(last=False)
