"""What the running service holds, and how well it is."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from libs.bus import Bus
from libs.clock import SiteClock
from libs.contracts.slots import moment, rfc3339
from libs.contracts.streams import CAMERAS
from libs.media import BadKey, MediaStore, NotMounted
from services.query.domain import Condition, Verdict, verdict
from services.query.live.hub import Hub
from services.query.people.audit import Audit
from services.query.people.directory import Directory
from services.query.people.limits import Limits
from services.query.people.passwords import Passwords
from services.query.records.keeping import Records
from services.query.rest.pages import Pages
from services.query.rest.playlists import Playlists
from services.query.rest.uploads import Uploads, sweep
from services.query.settings import Settings
from services.query.view import View


@dataclass(slots=True)
class Site:
    """One per process; made in `app`, handed to whoever answers a request."""

    settings: Settings
    clock: SiteClock
    view: View = field(default_factory=View)
    playlists: Playlists = field(default_factory=Playlists)
    bus: Bus | None = None
    bus_problem: str = ""
    registration: str = "the cameras of the site are not registered yet"
    """Why `cameras.yaml` is not carried out; empty when it is."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One writer at a time: conflicts are then only with other processes."""
    uploads: Uploads = field(default_factory=Uploads)
    store: MediaStore | None = None
    media_problem: str = ""
    records: Records = field(init=False)
    directory: Directory = field(init=False)
    audit: Audit = field(init=False)
    hub: Hub = field(init=False)
    passwords: Passwords = field(default_factory=Passwords)
    limits: Limits = field(default_factory=Limits)
    pages: Pages = field(default_factory=Pages)

    def __post_init__(self) -> None:
        self.records = Records(self.settings.control_url, self.settings.query_role)
        self.directory = Directory(self.records)
        self.hub = Hub(self.records, lambda: self.connected, lambda: rfc3339(moment(self.clock.now_ms())))
        data = self.settings.dolbom_data
        self.audit = Audit(self.clock, Path(data, "spool", "query") if data else None)

    @property
    def connected(self) -> bool:
        """Can facts be written?"""
        return self.bus is not None and self.bus.connected

    def mount(self) -> None:
        """Find the media store, or that it is not there any more."""
        try:
            if self.store is None:
                store = MediaStore.open(self.settings.media_url)
                sweep(store)
                self.store = store
            self.store.check()
            self.media_problem = ""
        except (NotMounted, BadKey) as problem:
            self.media_problem = str(problem)

    def verdict(self) -> Verdict:
        """State, readiness and the reason."""
        if self.settings.query_role != "projector" and self.directory.standing == "unknown":
            return "starting", False, self.records.problem or "the accounts are being read"
        bus = "" if self.connected else self.bus_problem or "the bus is out of reach"
        read = CAMERAS.name in self.view.read
        registration = self.registration if self.settings.query_role != "projector" else ""
        database = self.records.problem or self.records.worry
        return verdict(Condition(read, bus, registration, self.media_problem, database))
