"""The rules of a live playlist, by name, and what a breach of one is called."""

from dataclasses import dataclass
from typing import Literal, get_args

Rule = Literal[
    "line.extm3u", "line.cut", "line.unknown", "line.order", "tag.missing", "tag.twice", "tag.form", "tag.value",
    "list.empty", "uri.name", "uri.twice", "sequence.name", "index.row", "gap.place",
    "extinf.missing", "extinf.form", "extinf.negative", "extinf.version", "extinf.over", "extinf.frames",
    "pdt.missing", "pdt.form", "pdt.backwards", "pdt.slot", "pdt.index", "pdt.hole",
    "sequence.back", "sequence.advance", "target.changed", "changed.uri", "changed.pdt", "changed.extinf",
    "changed.gap", "changed.discontinuity", "changed.hole", "changed.tail", "changed.ended",
    "discontinuity.sequence", "window.short", "window.count", "list.jump", "list.stale", "list.gone",
    "file.missing", "file.gap", "file.frames", "file.slot", "file.params",
    "file.name", "file.decode", "file.streams", "file.key", "file.stamps", "file.pts", "file.changed",
]  # fmt: skip

RULES: dict[Rule, str] = {
    "line.extm3u": "RFC 8216 4.3.1.1: #EXTM3U is the first line",
    "line.cut": "RFC 8216 4.1: every line is whole, and so is the last segment",
    "line.unknown": "contract: no lines but the tags that the contract names, and URIs",
    "line.order": "RFC 8216 4.3.3: tags of the list stand before the first segment; nothing follows #EXT-X-ENDLIST",
    "tag.missing": "RFC 8216 4.3.3.1 and contract: VERSION, TARGETDURATION, MEDIA-SEQUENCE, INDEPENDENT-SEGMENTS",
    "tag.twice": "RFC 8216 4.3: a tag of the list stands once, a tag of a segment once for each",
    "tag.form": "RFC 8216 4.2: numbers are whole decimal numbers, and a tag without a value has none",
    "tag.value": "contract: VERSION 6 (two hours: 8), TARGETDURATION 10",
    "list.empty": "contract: a playlist is published with its first segment",
    "uri.name": "contract: {camera}_{index}.ts",
    "uri.twice": "contract: a segment is listed once",
    "sequence.name": "contract: MEDIA-SEQUENCE is the index in the first name",
    "index.row": "contract: indices without a hole",
    "gap.place": "contract: EXT-X-GAP only in the two-hour playlist, and for a whole segment",
    "extinf.missing": "RFC 8216 4.3.2.1: every segment has EXTINF",
    "extinf.form": "RFC 8216 4.3.2.1: a decimal number and a comma",
    "extinf.negative": "RFC 8216 4.3.2.1: durations are not negative",
    "extinf.version": "RFC 8216 4.3.2.1: decimals only with VERSION 3 or more",
    "extinf.over": "RFC 8216 4.3.3.1: never over the target duration",
    "extinf.frames": "contract: EXTINF is frames / fps",
    "pdt.missing": "contract: PROGRAM-DATE-TIME on every segment",
    "pdt.form": "contract: YYYY-MM-DDThh:mm:ss.mmmZ",
    "pdt.backwards": "RFC 8216 4.3.2.6: time goes forward",
    "pdt.slot": "contract: PROGRAM-DATE-TIME is the first millisecond of a slot",
    "pdt.index": "contract: the slots of a segment lie within its index",
    "pdt.hole": "contract: within a run each segment begins where the one before it ended",
    "sequence.back": "RFC 8216 6.2.2: MEDIA-SEQUENCE never goes back",
    "sequence.advance": "RFC 8216 6.2.2: MEDIA-SEQUENCE advances by one for each segment removed",
    "target.changed": "RFC 8216 6.2.1: TARGETDURATION does not change",
    "changed.uri": "RFC 8216 6.2.1: a sequence number keeps its URI",
    "changed.pdt": "RFC 8216 6.2.1: the time of a segment does not shift",
    "changed.extinf": "RFC 8216 6.2.1: the duration of a segment does not change",
    "changed.gap": "RFC 8216 6.2.1: a segment does not become a gap, nor a gap a segment",
    "changed.discontinuity": "RFC 8216 6.2.1: a discontinuity stays where it is",
    "changed.hole": "RFC 8216 6.2.1: segments are removed from the beginning only",
    "changed.tail": "RFC 8216 6.2.1: the end of the list does not become shorter",
    "changed.ended": "RFC 8216 6.2.1 and contract: after #EXT-X-ENDLIST only a new run, at a higher index",
    "discontinuity.sequence": "RFC 8216 6.2.2: advances by one for each discontinuity that left the list",
    "window.short": "RFC 8216 6.2.2: three target durations stay listed once a segment was removed",
    "window.count": "contract: the last 6 segments (two hours: 720 places), no more and no fewer",
    "list.jump": "contract: no segment is left out between two versions",
    "list.stale": "contract: a running camera's playlist gains segments",
    "list.gone": "contract: a playlist that was there stays there",
    "file.missing": "contract: what is listed is there",
    "file.gap": "contract: an EXT-X-GAP has no file",
    "file.frames": "contract: as many pictures as EXTINF says",
    "file.slot": "contract: the first picture is that of PROGRAM-DATE-TIME",
    "file.params": "contract: EXT-X-DISCONTINUITY exactly where the codec's parameters change",
    "file.name": "contract: {camera}_{index}.ts, and its pictures belong to that index",
    "file.decode": "contract: every access unit gives one whole picture",
    "file.streams": "contract: one video stream and no other",
    "file.key": "contract: a segment begins with a key picture",
    "file.stamps": "contract: consecutive slots, by the stamps in the access units",
    "file.pts": "contract: pts = dts = slot · 90000 / fps modulo 2^33",
    "file.changed": "contract: closed media is never replaced",
}

if set(RULES) != set(get_args(Rule)):
    raise AssertionError("every rule has its sentence")


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of a rule: what is wrong, and where it was seen first."""

    rule: Rule
    text: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True, slots=True)
class Terms:
    """What this playlist promised. Without `camera` the first name that is seen tells it.

    `excused`: spans of time (as in the history) in which nothing new is expected, for the camera or the site is down.
    """

    fps: int = 5
    camera: str = ""
    dvr: bool = False
    speed: float = 1.0
    target: int = 10
    segments_late: float = 1.5
    seconds_late: float = 6.0
    excused: tuple[tuple[float, float], ...] = ()

    @property
    def version(self) -> int:
        """EXT-X-VERSION."""
        return 8 if self.dvr else 6

    @property
    def listed(self) -> int:
        """Places in the list."""
        return 720 if self.dvr else 6

    @property
    def whole(self) -> int:
        """Slots of a whole segment."""
        return self.target * self.fps

    @property
    def patience(self) -> float:
        """Real seconds within which one more segment is listed: media passes at `speed`, the wait for slots not."""
        return self.segments_late * self.target / self.speed + self.seconds_late

    def excused_seconds(self, begin: float, end: float) -> float:
        """Seconds of a span that are excused (the spans do not overlap)."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self.excused)
