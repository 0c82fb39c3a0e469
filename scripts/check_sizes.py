"""Checks house rules that no linter knows: size ceilings, and one reader of the system's clock."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("libs", "services", "cli", "bench")
FILE_LINES = 300
FUNCTION_LINES = 40
CLOCK = Path("libs/clock")
# Benchmarks measure this machine; everything else lives by the site clock.
FREE_OF_CLOCK = ("libs", "services", "cli")
CLOCK_READS = {
    "time": {"time", "time_ns", "localtime", "gmtime", "clock_gettime", "clock_gettime_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    problems = [line for path in files for line in check(path.relative_to(root), path.read_text(encoding="utf-8"))]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"Sizes and clock reads: {len(files)} files, nothing to say.")
    return 1 if problems else 0


def check(path: Path, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, {FILE_LINES} are the ceiling"
    guarded = path.parts[0] in FREE_OF_CLOCK and not path.is_relative_to(CLOCK)
    for node in ast.walk(ast.parse(text, str(path))):
        yield from _too_long(path, node)
        if guarded:
            yield from _reads_clock(path, node)


def _too_long(path: Path, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{path}:{node.lineno}: {node.name} has {lines} lines, {FUNCTION_LINES} are the ceiling"


def _reads_clock(path: Path, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
            pass
        case ast.ImportFrom(module="time" as owner, names=names):
            name = next((alias.name for alias in names if alias.name in CLOCK_READS["time"]), "")
        case _:
            return
    if name in CLOCK_READS.get(owner, ()):
        yield f"{path}:{node.lineno}: {owner}.{name} reads the system's clock, which only {CLOCK} may"


if __name__ == "__main__":
    sys.exit(main())
