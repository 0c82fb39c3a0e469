"""Playlists and histories as the contract wants them, made apart from the encoder, to plant faults in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.hls_checker import History

FIRST = 179_555_929
CAMERA = "camera-1"


@dataclass(frozen=True)
class Item:
    """One place of a list."""

    index: int
    slot: int
    frames: int
    seam: bool = False
    gap: bool = False
    name: str = ""


@dataclass(frozen=True)
class Run:
    """Slots `begin` to `begin + frames - 1`; `seams`: indices before which the codec's parameters change."""

    begin: int
    frames: int
    seams: frozenset[int] = frozenset()

    def items(self, fps: int) -> list[Item]:
        """Its segments."""
        slot, end, made = self.begin, self.begin + self.frames, list[Item]()
        while slot < end:
            index = slot // (10 * fps)
            stop = min(end, (index + 1) * 10 * fps)
            made.append(Item(index, slot, stop - slot, seam=bool(made) and index in self.seams))
            slot = stop
        return made


def full(count: int, first: int = FIRST, fps: int = 5) -> list[Item]:
    """So many whole segments."""
    return [Item(index, index * 10 * fps, 10 * fps) for index in range(first, first + count)]


def text(
    items: Sequence[Item], *, fps: int = 5, dvr: bool = False, ended: bool = False, left: int = 0, sequence: int = -1
) -> str:
    """The playlist; `left` discontinuities are gone; `sequence` in place of the index in the first name."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{8 if dvr else 6}", "#EXT-X-TARGETDURATION:10"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{items[0].index if sequence < 0 else sequence}")
    lines += [f"#EXT-X-DISCONTINUITY-SEQUENCE:{left}"] * bool(left)
    lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    for item in items:
        lines += ["#EXT-X-GAP"] * item.gap + ["#EXT-X-DISCONTINUITY"] * item.seam
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{when(item.slot, fps)}", f"#EXTINF:{item.frames / fps:.3f},"]
        lines.append(item.name or f"{CAMERA}_{item.index}.ts")
    return "\n".join([*lines, *["#EXT-X-ENDLIST"] * ended]) + "\n"


def when(slot: int, fps: int) -> str:
    """The first millisecond of a slot."""
    ms = -(-slot * 1000 // fps)
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def live(runs: Sequence[Run], fps: int = 5, speed: float = 1) -> Iterator[tuple[float, str]]:
    """Versions of the live playlist with the real time of each; every run ends with its ENDLIST."""
    for run in runs:
        items = run.items(fps)
        for count, newest in enumerate(items, 1):
            closed = (newest.slot + newest.frames) / fps / speed
            shown, gone = items[:count][-6:], items[:count][:-6]
            left = sum(item.seam for item in gone)
            if sum(item.frames for item in shown) >= 7 * fps:
                yield closed, text(shown, fps=fps, left=left)
            if count == len(items):
                yield closed + 0.01, text(shown, fps=fps, left=left, ended=True)


def dvr(runs: Sequence[Run], fps: int = 5, speed: float = 1) -> Iterator[tuple[float, str]]:
    """Versions of the two-hour playlist: all runs in one list. Within a run no gap leaves it before its time."""
    known: list[Item] = []
    start = left = 0
    for run in runs:
        items = run.items(fps)
        for count, newest in enumerate(items, 1):
            closed = (newest.slot + newest.frames) / fps / speed
            left += sum(item.seam for item in known if item.index <= newest.index - 720)
            known = [item for item in known if item.index > newest.index - 720] + [newest]
            start = max(start, newest.index - 719) if count > 1 else known[0].index
            shown = _with_gaps(known, start, fps)
            yield closed, text(shown, fps=fps, left=left, dvr=True)
            if count == len(items):
                yield closed + 0.01, text(shown, fps=fps, left=left, dvr=True, ended=True)


def _with_gaps(items: Sequence[Item], start: int, fps: int) -> list[Item]:
    made: list[Item] = []
    for item in items:
        made += [replace(gap, gap=True) for gap in full(item.index - start, start, fps)]
        made.append(item)
        start = item.index + 1
    return made


def story(*texts: str, every: float = 10) -> History:
    """Versions seen one after the other."""
    return History.of((place * every, one) for place, one in enumerate(texts))
