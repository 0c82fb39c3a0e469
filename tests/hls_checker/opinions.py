"""What parsers of others say of a playlist: m3u8 (PyPI) and hls-parser (npm), each in its strict mode."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import m3u8
from m3u8.parser import ParseError

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "hls_parser.mjs"
NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


@dataclass(frozen=True, slots=True)
class Opinion:
    """`problem` is empty when the text was accepted; `places`: (sequence number, URI, seconds, gap) as it read them."""

    problem: str
    places: tuple[tuple[int, str, float, bool], ...] = ()


def m3u8_says(text: str) -> Opinion:
    """m3u8 in strict mode. It raises bare `Exception` for tags that the VERSION does not have."""
    try:
        read = m3u8.M3U8(text, strict=True)
    except (ParseError, ValueError, TypeError, KeyError) as problem:
        return Opinion(str(problem) or type(problem).__name__)
    except Exception as problem:
        if type(problem) is not Exception:
            raise
        return Opinion(str(problem))
    first = read.media_sequence
    places = ((first + at, one.uri, one.duration, bool(one.gap_tag)) for at, one in enumerate(read.segments))
    return Opinion("", tuple(places))


def hls_parser_missing() -> str:
    """Why hls-parser cannot be asked, or nothing."""
    if NODE is None:
        return "node is not installed"
    return "" if (HERE / "node_modules" / "hls-parser").is_dir() else "hls-parser is not installed beside the checker"


def hls_parser_says(texts: Sequence[str]) -> list[Opinion]:
    """hls-parser in strict mode; one process for all texts."""
    ran = subprocess.run(
        [NODE or "node", str(SCRIPT)],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers = json.loads(ran.stdout)
    return [Opinion(one["problem"], tuple((n, uri, s, gap) for n, uri, s, gap in one["places"])) for one in answers]
