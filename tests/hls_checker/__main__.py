"""For people: watch a live playlist and say what is wrong with it.

    python -m tests.hls_checker http://127.0.0.1:8080/api/live-monitoring/hls/camera-1/camera-1.m3u8 --seconds 60

A path instead of an address reads a playlist from disk. Exit: 0 nothing found, 1 findings, 2 no playlist.
"""

import argparse
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.hls_checker.check import check
from tests.hls_checker.history import Fetch, watch
from tests.hls_checker.media import read_directory
from tests.hls_checker.rules import RULES, Terms


def main(arguments: list[str] | None = None) -> int:
    """Watch, then print every finding on a line."""
    options = _options(arguments)
    name = re.split(r"[/\\]", options.playlist.split("?")[0])[-1]
    terms = Terms(fps=options.fps, dvr=name.endswith("_dvr.m3u8"), speed=options.speed)
    ends = time.monotonic() + options.seconds
    history = watch(_fetch(options.playlist), lambda: time.monotonic() >= ends, every=min(0.2, 1 / options.speed))
    if not history.versions:
        print(f"no playlist: {history.refusals[-1] if history.refusals else 'not asked'}", file=sys.stderr)
        return 2
    findings = check(history, terms, read_directory(options.files) if options.files else None)
    for finding in findings:
        print(f"{finding}\n    {RULES[finding.rule]}")
    watched = history.until - history.versions[0].at
    print(f"{len(history.versions)} versions in {watched:.0f} s, {len(findings)} findings")
    return 1 if findings else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hls_checker", description="Watch a live playlist.")
    parser.add_argument("playlist", help="address or path of the .m3u8 (…_dvr.m3u8: the two-hour one)")
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch (60)")
    parser.add_argument("--fps", type=int, default=5, help="pictures a second of the camera (5)")
    parser.add_argument("--speed", type=float, default=1, help="speed of the site clock (1)")
    parser.add_argument("--files", type=Path, help="folder of the segments: decode them, and compare")
    return parser.parse_args(arguments)


def _fetch(playlist: str) -> Fetch:
    def from_network() -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(playlist, timeout=5) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read()

    return from_network if re.match("https?://", playlist) else lambda: (200, Path(playlist).read_bytes())


if __name__ == "__main__":
    sys.exit(main())
