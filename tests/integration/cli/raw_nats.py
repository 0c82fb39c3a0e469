"""Speaks the bus's protocol by hand, to see exactly what the server refuses a user."""

import json
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

_REFUSED = re.compile(r"-ERR 'Permissions Violation for (Publish|Subscription) to \"([^\"]+)\"")


class RawNats:
    """One connection; use it in a `with` block. Raises AssertionError when the server refuses the user."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._lines = self._socket.makefile("rb")
        assert self._lines.readline().startswith(b"INFO ")
        options = {"user": user, "pass": password, "verbose": False, "pedantic": False, "headers": True}
        self._send(f"CONNECT {json.dumps(options)}\r\n")
        if self._until_pong():
            self.close()
            raise AssertionError(f"{user} is refused")

    def __enter__(self) -> "RawNats":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def refused_to_publish(self, subjects: Iterable[str]) -> set[str]:
        """Publish something empty to each; returns the subjects that were refused."""
        for subject in subjects:
            self._send(f"PUB {subject} 0\r\n\r\n")
        return self._refused("Publish")

    def refused_to_subscribe(self, subjects: Iterable[str]) -> set[str]:
        """Subscribe to each; returns the subjects that were refused."""
        for number, subject in enumerate(subjects, 1):
            self._send(f"SUB {subject} {number}\r\n")
        return self._refused("Subscription")

    def _refused(self, kind: str) -> set[str]:
        matches = [_REFUSED.match(line) for line in self._until_pong()]
        return {match[2] for match in matches if match and match[1] == kind}

    def _until_pong(self) -> list[str]:
        """The complaints of the server up to now."""
        self._send("PING\r\n")
        complaints = []
        while (line := self._line()) != "PONG":
            if line.startswith("-ERR"):
                complaints.append(line)
            if line == "-ERR closed":
                break
        return complaints

    def _line(self) -> str:
        """The next line; the server that refuses a user also hangs up, sometimes before it is heard."""
        try:
            return self._lines.readline().decode().strip() or "-ERR closed"
        except ConnectionError:
            return "-ERR closed"

    def _send(self, text: str) -> None:
        with suppress(ConnectionError):
            self._socket.sendall(text.encode())
