"""`python -m bench`: measure, print, and write build/bench/report.{json,md,svg}."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import capacity, machine, quality
from bench.clips import Clip, clips
from bench.plot import draw
from bench.report import Report, markdown, write
from bench.rows import Row, against, growths, memory
from bench.sample import Sample, Timing, take
from bench.sides import OURS, P1, P6, available

CLIPS = ("vtest", "cam1080")
PARTS = ("path", "growth", "quality", "capacity")
COUNTS = (1, 4)
P1_LIMIT, P0_LIMIT, MEMORY_LIMIT, GROWTH_LIMIT = 1.25, 0.55, 30.0, 1.10


def main() -> None:
    """Everything that is asked for."""
    asked = _arguments()
    timing = Timing(asked.settle, asked.seconds)
    films = clips(asked.clips, asked.footage)
    began = machine.load()
    blocks = _path(films, asked.peers, asked.pairs, timing) if "path" in asked.parts else []
    grown = _growth(next(iter(films.values())), asked.growth, asked.rounds, timing) if "growth" in asked.parts else []
    qualities = [quality.measure(film) for film in films.values()] if "quality" in asked.parts else []
    probes = []
    if "capacity" in asked.parts:
        vga = clips(["vga30"], asked.footage)["vga30"]
        probes = capacity.largest(lambda count: capacity.probe(count, vga, max(30.0, asked.seconds)), asked.guess)
    report = Report(
        commit=machine.commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=machine.versions(),
        clips=list(films.values()),
        rows=_rows(blocks, grown),
        blocks=blocks,
        grown=grown,
        qualities=qualities,
        probes=probes,
        load=_loads(blocks, grown, began),
    )
    write(report, machine.BUILD)
    draw(report, machine.BUILD / "report.svg")
    print(markdown(report))


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("--quick", action="store_true", help="few and short measurements, for development")
    words.add_argument("--footage", type=Path, help="a folder with real clips")
    words.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    words.add_argument("--clips", nargs="+", choices=CLIPS, default=CLIPS)
    words.add_argument("--peers", nargs="+", choices=("P1", "P0", "P6"), default=("P1", "P0", "P6"))
    words.add_argument("--pairs", type=int, help="rounds of A B A B")
    words.add_argument("--rounds", type=int, help="rounds of the growth")
    words.add_argument("--seconds", type=float, help="of one measurement")
    words.add_argument("--settle", type=float, help="seconds before one")
    words.add_argument("--growth", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    words.add_argument("--guess", type=int, default=16, help="cameras with which the search for the most begins")
    asked = words.parse_args()
    usual = {"pairs": 2, "rounds": 1, "seconds": 30.0, "settle": 14.0} if asked.quick else {}
    for name, value in ({"pairs": 5, "rounds": 3, "seconds": 40.0, "settle": 16.0} | usual).items():
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    return asked


def _path(films: dict[str, Clip], asked: Sequence[str], pairs: int, timing: Timing) -> list[list[Sample]]:
    """Every side with one and with four cameras, in turn, so many times."""
    rounds = []
    for number in range(pairs):
        samples = []
        for film in films.values():
            peers = [peer for peer in available() if peer.name in asked and (peer is not P6 or film.name == "vtest")]
            for side in (OURS, *peers):
                for count in COUNTS:
                    samples.append(take(side, count, film, timing))
                    _tell(f"round {number + 1}", samples[-1])
        rounds.append(samples)
    return rounds


def _growth(film: Clip, counts: Sequence[int], rounds: int, timing: Timing) -> list[list[Sample]]:
    found = []
    for number in range(rounds):
        found.append([take(OURS, count, film, timing) for count in counts])
        for sample in found[-1]:
            _tell(f"growth {number + 1}", sample)
    return found


def _rows(blocks: list[list[Sample]], grown: list[list[Sample]]) -> list[Row]:
    limits: dict[str, float | None] = {"P1": P1_LIMIT, "P0": P0_LIMIT, "P6": None}
    measured = dict.fromkeys((one.clip, one.side) for block in blocks for one in block)
    rows = [against(blocks, clip, side, limits[side]) for clip, side in measured if side != OURS.name]
    for clip, side in measured:
        if side in (OURS.name, P1.name):
            rows.append(memory(blocks, clip, side, MEMORY_LIMIT if side == OURS.name else None))
    return [*rows, *(growths(grown, 8, GROWTH_LIMIT) if grown else [])]


def _loads(blocks: list[list[Sample]], grown: list[list[Sample]], began: float) -> tuple[float, float]:
    found = [one.load for samples in (*blocks, *grown) for one in samples] or [began]
    return min(found), max(found)


def _tell(where: str, sample: Sample) -> None:
    print(
        f"{where}: {sample.clip} {sample.side} x{sample.cameras}: {sample.total:.1f} ms/s,"
        f" {sample.rate:.2f} pictures/s, {sum(sample.memory.values()) >> 20} MiB, load {sample.load:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
