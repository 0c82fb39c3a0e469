"""A real MariaDB of a test's own: unprivileged, on loopback, thrown away."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

SERVER = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
WHY_NOT = "mariadbd is not installed"
_NOBODY = "nobody"
_STARTS_WITHIN = 30.0


@dataclass
class MariaDb:
    """Made by `make`, started on a free port, which it keeps over restarts."""

    folder: Path
    port: int = 0
    sizes: str = "--innodb-buffer-pool-size=64M --innodb-log-file-size=16M"
    """Empty: those that it comes with (128 MiB of pages in memory, 96 MiB of log)."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """For SQLAlchemy; root has no password, and nobody but this machine reaches it."""
        return f"mysql+asyncmy://root@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        """The process. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("MariaDB does not run")
        return self._process.pid

    @property
    def _own_tmp(self) -> Path:
        """A server that starts takes all temporary tables that it finds for its own, and deletes them."""
        return self.folder / "tmp"

    def make(self) -> None:
        """An empty data folder."""
        for folder in (self.folder, self._own_tmp):
            folder.mkdir(mode=0o755)
            _give(folder)
        words = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        done = self._run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", *words])
        assert done.returncode == 0, done.stdout[-2000:]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.port = self.port or _free_port()
        words = (
            f"--datadir={self.folder}/data --tmpdir={self._own_tmp} --socket={self.folder}/s --port={self.port} "
            f"--bind-address=127.0.0.1 {self.sizes} --performance-schema=OFF --skip-name-resolve "
            "--character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci"
        )
        with (self.folder / "said.txt").open("ab") as said:
            self._process = subprocess.Popen(
                [str(SERVER), "--no-defaults", *words.split()], stdout=said, stderr=said, user=_user(), cwd="/"
            )
        end = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "said.txt").read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, "MariaDB does not answer"
            time.sleep(0.05)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it as a crash does, or as it is told."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                return bool(link.recv(1))
        except OSError:
            return False

    def _run(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words,
            user=_user(),
            env={**os.environ, "TMPDIR": str(self._own_tmp)},
            cwd="/",
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def _user() -> str | None:
    """MariaDB refuses to run as root."""
    return _NOBODY if os.getuid() == 0 else None


def _give(folder: Path) -> None:
    if user := _user():
        known = pwd.getpwnam(user)
        os.chown(folder, known.pw_uid, known.pw_gid)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
