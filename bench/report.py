"""The report: JSON for machines, Markdown for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.arithmetic import Spread
from bench.capacity import Probe
from bench.clips import Clip
from bench.quality import Quality
from bench.rows import Blocks, Row
from bench.sample import Sample


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run found."""

    commit: str
    at: str
    versions: dict[str, str]
    clips: Sequence[Clip]
    rows: Sequence[Row]
    blocks: Blocks
    grown: Blocks
    qualities: Sequence[Quality]
    probes: Sequence[Probe]
    load: tuple[float, float]


HEAD = "| row | ours | peer | ratio (lowest to highest) | limit | |\n|---|---|---|---|---|---|"


def write(report: Report, folder: Path) -> None:
    """`report.json` and `report.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [asdict(row) | {"reached": row.reached} for row in report.rows]
    probes = [asdict(probe) | {"exact": probe.exact} for probe in report.probes]
    text = json.dumps(asdict(report) | {"rows": rows, "probes": probes}, default=str, indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")


def markdown(report: Report) -> str:
    """The same for people."""
    low, high = report.load
    lines = [
        f"Commit {report.commit}, {report.at}; load {low:.1f} to {high:.1f} on {report.versions['cores']} cores.",
        "",
        *(f"* {name}: {value}" for name, value in report.versions.items()),
        *(
            f"* clip {clip.name}: {clip.what}{'' if clip.real else ' (a made picture: no footage)'}"
            for clip in report.clips
        ),
        "",
        HEAD,
        *map(row_line, report.rows),
        "",
        *_parts(report.blocks),
        *_qualities(report.qualities),
        *_probes(report.probes),
    ]
    return "\n".join(lines) + "\n"


def row_line(row: Row) -> str:
    ratio = (
        "" if row.ratio is None else f"**{row.ratio.median:.2f}** ({row.ratio.lowest:.2f} to {row.ratio.highest:.2f})"
    )
    peer = "" if row.peer is None else _spread(row.peer)
    verdict = {True: "kept", False: "**not kept**", None: ""}[row.reached]
    limit = "" if row.limit is None else f"{row.limit:g}"
    note = f" ({row.note})" if row.note else ""
    return f"| {row.name}, {row.unit}{note} | {_spread(row.ours)} | {peer} | {ratio} | {limit} | {verdict} |"


def _spread(value: Spread) -> str:
    digits = 2 if value.median < 10 else 1
    return f"{value.median:.{digits}f} ({value.lowest:.{digits}f} to {value.highest:.{digits}f}, n={value.count})"


def _parts(blocks: Blocks) -> list[str]:
    """Where the CPU goes: medians by process."""
    lines = ["CPU by process, ms a second (medians), pictures a second, kB a second:", ""]
    samples = [one for block in blocks for one in block]
    for key in dict.fromkeys((one.clip, one.side, one.cameras) for one in samples):
        same = [one for one in samples if (one.clip, one.side, one.cameras) == key]
        lines.append(f"* {key[0]}, {key[1]}, {key[2]}: {_split(same)}")
    return [*lines, ""]


def _split(same: Sequence[Sample]) -> str:
    parts = dict.fromkeys(part for one in same for part in one.cpu)
    said = [(median(one.cpu.get(part, 0.0) for one in same), part) for part in parts]
    said.append((median(one.archive * one.cameras for one in same), "archives"))
    split = ", ".join(f"{part} {value:.1f}" for value, part in sorted(said, reverse=True) if value >= 0.05)
    rate, size = median(one.rate for one in same), median(one.bytes_a_second for one in same) / 1000
    return f"{median(one.total for one in same):.1f} = {split}; {rate:.2f} pictures, {size:.1f} kB"


def _qualities(qualities: Sequence[Quality]) -> list[str]:
    return [*map(_quality, qualities), ""]


def _quality(one: Quality) -> str:
    ssim, size = one.p1_at_crf_23
    return (
        f"Bytes at equal SSIM, {one.clip}: ours {one.ours / 1000:.1f} kB/s at SSIM {one.ssim:.4f}, P1"
        f" {one.p1 / 1000:.1f} kB/s at the same: **{one.ours / one.p1:.3f}**"
        f" (P1 as it is: {size / 1000:.1f} kB/s at {ssim:.4f})."
    )


def _probes(probes: Sequence[Probe]) -> list[str]:
    if not probes:
        return []
    best = max((probe.cameras for probe in probes if probe.exact), default=0)
    tries = "; ".join(
        f"{one.cameras}: {one.captured} of {one.slots} pictures, latest segment after {one.latest:.1f} s"
        for one in probes
    )
    return [f"Largest number of VGA cameras (640x480, 30 fps) that stay exact and live: **{best}** ({tries}).", ""]
