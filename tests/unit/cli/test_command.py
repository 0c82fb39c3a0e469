"""The command line: quick, and short about mistakes."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main

ROOT = Path(__file__).parents[3]


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from cli.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "print('LOADED', *sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    loaded = said.split("LOADED")[1].split()
    assert "up " in said
    assert not {"nats", "pydantic", "asyncio", "av", "cv2", "fastapi", "structlog"} & set(loaded)


@pytest.mark.parametrize(
    "typed", [[], ["up", "--port", "many"], ["up", "--nonsense"], ["dance"], ["status", "--dat", "x"]]
)
def test_a_mistake_is_one_line_and_2(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (["up", "--video", "{tmp}/absent.mp4"], "VIDEO"),
        (["up", "--video", "{tmp}"], "VIDEO"),
        (["up", "--data", "{tmp}/file"], "DATA"),
        (["up", "--clock", "noon"], "CLOCK"),
        (["up", "--simulate-gemini"], "SIMULATE_GEMINI"),
        (["setup", "--data", "{tmp}/nothing"], "DATA"),
        (["events", "--data", "{tmp}/nothing"], "DATA"),
        (["events", "frames.>"], "frames.>"),
        (["events", ">"], ">"),
    ],
)
def test_a_refusal_is_one_line_and_2(
    typed: list[str], names: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NATS_URL", raising=False)
    (tmp_path / "file").write_text("x")
    assert main([word.format(tmp=tmp_path) for word in typed]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert names in said.err


def test_status_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--data", str(tmp_path / "nothing")]) == 2
    assert "nothing runs" in capsys.readouterr().out
    assert main(["status", "--json", "--data", str(tmp_path / "nothing")]) == 2
    assert '"status": "not_running"' in capsys.readouterr().out
