"""docs/api.md is true: its commands are run in its order against a running site, and print what it says they print."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.query.furnished import Furnished, furnish
from tests.integration.query.harness import ROOT
from tests.nats_server import NatsServer

PAGE = ROOT / "docs" / "api.md"
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "---- end of a block ----"
HERE = "SITE=http://127.0.0.1:8080"


def blocks() -> list[tuple[str, str]]:
    """Commands, and what they print."""
    found = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    shown = [text for kind, text in found if kind != "sh"]
    commands = [text for kind, text in found if kind == "sh"]
    assert [kind == "sh" for kind, _ in found] == [True, False] * len(commands), "each command shows what it prints"
    return list(zip(commands, shown, strict=True))


def pattern(shown: str) -> str:
    """`…` is anything within a line, and a line of it any lines."""
    lines = [
        ".*?" if line == "…" else re.escape(line).replace("…", "[^\n]*") for line in shown.rstrip("\n").split("\n")
    ]
    return "\n".join(lines)


@pytest.fixture
def site(make_server: Callable[[], NatsServer], tmp_path: Path) -> Iterator[Furnished]:
    site = furnish(make_server(), tmp_path / "site", accounts=False, seed=4)
    site.present()
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(1):
            site.publish()

    present = threading.Thread(target=go_on)
    present.start()
    yield site
    done.set()
    present.join()
    site.client.close()
    site.query.stop()


def test_the_page_does_what_it_says(site: Furnished) -> None:
    commands = [command.replace(HERE, f"SITE={site.url}") for command, _ in blocks()]
    assert commands[0].startswith(f"SITE={site.url}")
    script = "".join(f"{command}\nprintf '%s\\n' '{MARK}'\n" for command in commands)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    printed = done.stdout.split(f"{MARK}\n")
    assert len(printed) == len(commands) + 1, done.stderr
    for (command, shown), said in zip(blocks(), printed, strict=False):
        said = said.replace("\r", "").rstrip("\n")
        assert re.fullmatch(pattern(shown), said, re.DOTALL), f"{command}\nprinted\n{said}\ninstead of\n{shown}"
