"""Settings: where is served."""

import pytest
from pydantic import ValidationError

from services.query.settings import Settings


@pytest.mark.parametrize(
    ("host", "served"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("127.3.2.1", "127.3.2.1")],
)
def test_loopback(host: str, served: str) -> None:
    assert Settings(http_host=host).http_host == served


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::"])
def test_other_addresses_are_for_sites_with_users(host: str) -> None:
    assert Settings(http_host=host).http_host == host


@pytest.mark.parametrize("host", ["dolbom.example", "", "127.0.0.1:8080", "[::1]"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="is no IP address"):
        Settings(http_host=host)
