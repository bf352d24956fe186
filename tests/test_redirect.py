"""The address for the browser: one visitor gets the redirect, and nobody else anything."""

from __future__ import annotations

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from vaultpy.redirect import OneUseAddress
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = "https://signin.example/federation?SigninToken=secret"


@pytest.fixture
def address() -> Iterator[OneUseAddress]:
    """Return an address that leads to the target."""
    with OneUseAddress(Secret(TARGET)) as address:
        yield address


def visit(
    url: str, *, path: str | None = None, method: str = "GET", host: str | None = None
) -> http.client.HTTPResponse:
    """Go there, with another path or Host header if they are given."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path or parts.path, headers={"Host": host or parts.netloc})
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    return response


def test_the_first_visitor_is_sent_on_and_told_to_keep_nothing(address: OneUseAddress) -> None:
    response = visit(address.url)
    assert (response.status, response.headers["Location"]) == (302, TARGET)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert address.wait(10)


def test_the_second_visitor_gets_nothing(address: OneUseAddress) -> None:
    visit(address.url)
    response = visit(address.url)
    assert (response.status, response.headers["Location"]) == (410, None)


def test_of_many_visitors_at_once_one_is_sent_on(address: OneUseAddress) -> None:
    with ThreadPoolExecutor(16) as threads:
        statuses = [found.status for found in threads.map(visit, [address.url] * 16)]
    assert sorted(statuses) == [302, *[410] * 15]


@pytest.mark.parametrize("path", ["/", "/federation", "/x{}", "{}x", "{}?", "{}/", "/%00", "/\xe9"])
def test_another_path_is_not_found_and_spends_nothing(address: OneUseAddress, path: str) -> None:
    own = urlsplit(address.url).path
    wrong = path.format(own).encode().decode("latin-1")
    connection = socket.create_connection(("127.0.0.1", urlsplit(address.url).port or 0), timeout=10)
    with connection:
        request = f"GET {wrong} HTTP/1.1\r\nHost: {urlsplit(address.url).netloc}\r\n\r\n"
        connection.sendall(request.encode("latin-1"))
        answer = connection.recv(1000)
    assert b" 404 " in answer.splitlines()[0]
    assert b"Location" not in answer
    assert visit(address.url).status == 302


@pytest.mark.parametrize("host", ["rebound.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1"])
def test_a_visitor_by_another_name_is_not_found_and_spends_nothing(address: OneUseAddress, host: str) -> None:
    port = urlsplit(address.url).port
    assert visit(address.url, host=host.format(port=port)).status == 404
    assert visit(address.url).status == 302


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_no_other_method_leads_on(address: OneUseAddress, method: str) -> None:
    assert visit(address.url, method=method).status == 501
    assert not address.wait(0)
    assert visit(address.url).status == 302


def test_connections_that_say_nothing_keep_nobody_waiting(address: OneUseAddress) -> None:
    port = urlsplit(address.url).port or 0
    idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(8)]
    try:
        assert visit(address.url).status == 302
    finally:
        for connection in idle:
            connection.close()


def test_afterwards_nobody_listens() -> None:
    with OneUseAddress(Secret(TARGET)) as address:
        visit(address.url)
    with pytest.raises(ConnectionRefusedError):
        visit(address.url)


def test_without_a_visitor_the_waiting_ends_and_so_does_the_listening() -> None:
    with OneUseAddress(Secret(TARGET)) as address:
        assert not address.wait(0.01)
    with pytest.raises(ConnectionRefusedError):
        visit(address.url)


def test_two_addresses_have_nothing_in_common(address: OneUseAddress) -> None:
    with OneUseAddress(Secret(TARGET)) as other:
        assert len(urlsplit(other.url).path) > 40
        assert urlsplit(other.url).path != urlsplit(address.url).path


def test_nothing_is_said_on_the_way(capfd: pytest.CaptureFixture[str]) -> None:
    with OneUseAddress(Secret(TARGET)) as address:
        visit(address.url, path="/wrong")
        visit(address.url)
        assert TARGET not in repr(vars(address))
    assert capfd.readouterr() == ("", "")
