"""Settings: without users only loopback is served."""

import pytest
from pydantic import ValidationError

from services.query.settings import Settings


@pytest.mark.parametrize(
    ("host", "served"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("127.3.2.1", "127.3.2.1")],
)
def test_loopback(host: str, served: str) -> None:
    assert Settings(http_host=host).http_host == served


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "dolbom.example", ""])
def test_everything_else_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        Settings(http_host=host)
