"""One picture of the report: CPU of a further camera, and what a camera costs among many."""

from pathlib import Path
from statistics import median

from bench.report import Report
from bench.rows import slopes

_COLOURS = {"ours": "#2f6fb3", "P1": "#8a8f98", "P0": "#c0504d", "P6": "#7a9a52"}


def draw(report: Report, path: Path) -> None:
    """Written as SVG or PNG, by the name's end."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "dolbom", "svg.fonttype": "none", "font.size": 9})
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    names = [clip.name for clip in report.clips]
    sides = [side for side in _COLOURS if any(one.side == side for block in report.blocks for one in block)]
    for place, side in enumerate(sides):
        for at, clip in enumerate(names):
            found = slopes(report.blocks, side, clip, lambda one: one.total)
            if found:
                x = at + (place - (len(sides) - 1) / 2) * 0.2
                left.bar(x, median(found), 0.18, color=_COLOURS[side], label=side if at == 0 else None)
                left.plot([x, x], [min(found), max(found)], color="black", linewidth=0.8)
    left.set_xticks(range(len(names)), names)
    left.set_ylabel("CPU, ms a camera-second")
    left.set_title("A further camera (1 to 4)")
    left.legend(frameon=False)
    counts = sorted({one.cameras for samples in report.grown for one in samples})
    each = [median(one.total / n for samples in report.grown for one in samples if one.cameras == n) for n in counts]
    right.plot(counts, each, marker="o", color=_COLOURS["ours"])
    right.set_xscale("log", base=2)
    right.set_xticks(counts, [str(count) for count in counts])
    right.set_ylim(bottom=0)
    right.set_xlabel("cameras")
    right.set_title("CPU, ms a camera-second, all processes")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
