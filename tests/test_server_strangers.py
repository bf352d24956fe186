"""The endpoint and those who should get nothing: refused, told no secret, and the next one is served."""

from __future__ import annotations

import select
import socket
import string
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fuzzing import examples
from support.visiting import GOOD, PATIENCE, Served, rest, serving, status
from vaultpy.server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTH = b"Authorization: TOKEN\r\n"
GET = b"GET / HTTP/1.1\r\n"
REBINDING = b"GET / HTTP/1.1\r\nHost: %s\r\nAuthorization: TOKEN\r\n\r\n"
TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(range(154))
PREFLIGHT = (
    b"OPTIONS / HTTP/1.1\r\nHOSTOrigin: https://evil.example\r\n"
    b"Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
)

REFUSED = {
    # who has not the token
    "no token": (GET + b"HOST\r\n", "403"),
    "an empty token": (GET + b"HOSTAuthorization:\r\n\r\n", "403"),
    "a wrong token": (GET + b"HOSTAuthorization: " + b"x" * 43 + b"\r\n\r\n", "403"),
    "the token and a letter more": (GET + b"HOSTAuthorization: TOKENx\r\n\r\n", "403"),
    "the token after a scheme": (GET + b"HOSTAuthorization: Bearer TOKEN\r\n\r\n", "403"),
    "the token twice": (GET + b"HOST" + AUTH + AUTH + b"\r\n", "403"),
    "the token beside a wrong one": (GET + b"HOST" + AUTH + b"Authorization: x\r\n\r\n", "403"),
    "the token after a wrong one": (GET + b"HOSTAuthorization: x\r\n" + AUTH + b"\r\n", "403"),
    "a token that is no text": (GET + b"HOSTAuthorization: \xff\xfe\r\n\r\n", "403"),
    "the token in the path": (b"GET /?token=TOKEN HTTP/1.1\r\nHOST\r\n", "403"),
    "the token as a cookie": (GET + b"HOSTCookie: TOKEN\r\n\r\n", "403"),
    # pages of a browser
    "a name that was made to lead here": (REBINDING % b"evil.example:PORT", "421"),
    "another host": (REBINDING % b"evil.example", "421"),
    "our address in another's name": (REBINDING % b"127.0.0.1.evil.example:PORT", "421"),
    "our host before another's": (REBINDING % b"127.0.0.1:PORT.evil.example", "421"),
    "two hosts in one field": (REBINDING % b"127.0.0.1:PORT, evil.example", "421"),
    "a user at our host": (REBINDING % b"user@127.0.0.1:PORT", "421"),
    "our address without a port": (REBINDING % b"127.0.0.1", "421"),
    "our address with another port": (REBINDING % b"127.0.0.1:1", "421"),
    "every address": (REBINDING % b"0.0.0.0:PORT", "421"),
    "our address in another form": (REBINDING % b"127.1:PORT", "421"),
    "an empty host": (REBINDING % b"", "421"),
    "no host": (GET + AUTH + b"\r\n", "400"),
    "no host in HTTP/1.0": (b"GET / HTTP/1.0\r\n" + AUTH + b"\r\n", "421"),
    "two hosts": (GET + b"HOSTHOST" + AUTH + b"\r\n", "400"),
    "two hosts in HTTP/1.0": (b"GET / HTTP/1.0\r\nHOSTHOST" + AUTH + b"\r\n", "400"),
    "an origin": (GET + b"HOST" + AUTH + b"Origin: https://evil.example\r\n\r\n", "403"),
    "an origin that is hidden": (GET + b"HOST" + AUTH + b"Origin: null\r\n\r\n", "403"),
    "our own origin": (GET + b"HOST" + AUTH + b"Origin: http://127.0.0.1:PORT\r\n\r\n", "403"),
    "a preflight": (PREFLIGHT, "405"),
    # what is no GET of a path
    **{
        method: (f"{method} / HTTP/1.1\r\nHOSTAuthorization: TOKEN\r\n\r\n".encode(), "405")
        for method in ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X")
    },
    "a whole URL": (b"GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "400"),
    "another's URL": (b"GET http://evil.example/ HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "400"),
    "no path": (b"GET * HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "400"),
    "a body": (GET + b"HOST" + AUTH + b"Content-Length: 3\r\n\r\nabc", "413"),
    "a body to come": (GET + b"HOST" + AUTH + b"Content-Length: 99999999999\r\n\r\n", "413"),
    "a body in chunks": (
        GET + b"HOST" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "413",
    ),
    "a body of two lengths": (
        GET + b"HOST" + AUTH + b"Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc",
        "400",
    ),
    "a length below nothing": (GET + b"HOST" + AUTH + b"Content-Length: -1\r\n\r\n", "400"),
    "another coding": (GET + b"HOST" + AUTH + b"Transfer-Encoding: gzip\r\n\r\n", "501"),
    # too much
    "a huge field": (GET + b"HOST" + AUTH + b"X: " + b"x" * 60_000 + b"\r\n\r\n", "431"),
    "a huge path": (b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "431"),
    "a huge name": (GET + b"HOST" + AUTH + b"x" * 60_000 + b": x\r\n\r\n", "431"),
    "many fields": (GET + b"HOST" + AUTH + b"X: x\r\n" * 63 + b"\r\n", "431"),
    # what is no HTTP, or no HTTP/1.1
    "HTTP/0.9": (b"GET /\r\n\r\n", "400"),
    "HTTP/0.9 with fields": (b"GET /\r\nHOST" + AUTH + b"\r\n", "400"),
    "HTTP/2's first words": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
    "HTTP/2 by name": (b"GET / HTTP/2.0\r\nHOST" + AUTH + b"\r\n", "505"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHOST" + AUTH + b"\r\n", "505"),
    "a hello of TLS": (TLS_HELLO, "400"),
    "an answer": (b"HTTP/1.1 200 OK\r\nHOST" + AUTH + b"\r\n", "400"),
    "NULs": (bytes(100), "400"),
    "a NUL in the path": (b"GET /\0 HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "400"),
    "a NUL in the token": (GET + b"HOSTAuthorization: TOKEN\0\r\n\r\n", "400"),
    "a NUL in a name": (GET + b"HOST" + AUTH + b"X\0: x\r\n\r\n", "400"),
    "a blank before the colon": (GET + b"HOSTAuthorization : TOKEN\r\n\r\n", "400"),
    "a blank at the begin": (b" " + GET + b"HOST" + AUTH + b"\r\n", "400"),
    "two blanks": (b"GET  / HTTP/1.1\r\nHOST" + AUTH + b"\r\n", "400"),
    "a field that goes on": (GET + b"HOSTAuthorization:\r\n TOKEN\r\n x\r\n\r\n", "403"),
    "blank lines first": (b"\r\n\r\n" + GET + b"HOST" + AUTH + b"\r\n", "400"),
    "words": (b"hello, is anybody there?\r\n\r\n", "400"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return an endpoint for all of them: each finds it as the one before has left it, and no time ends."""
    with serving(limits=Limits(seconds=10 * PATIENCE)) as served:
        yield served


@pytest.fixture
def hurried() -> Iterator[Served]:
    """Return an endpoint that gives everybody a fraction of a second."""
    with serving(limits=Limits(seconds=0.3)) as served:
        yield served


def tells_no_secret(served: Served, reply: bytes) -> bool:
    return not any(secret.reveal().encode() in reply for secret in (served.token, *served.shelf.secrets))


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_and_the_next_one_is_served(served: Served, what: str) -> None:
    request, expected = REFUSED[what]
    asked = len(served.shelf.asked)
    reply = served.send(request)
    assert status(reply) == expected
    assert tells_no_secret(served, reply)
    assert b"access-control" not in reply.lower()
    assert len(served.shelf.asked) == asked, "nobody looks for credentials"
    assert served.is_served()


def test_the_rows_above_are_refused_for_what_they_are_named(served: Served) -> None:
    assert status(served.send(GET + b"HOST" + AUTH + b"\r\n")) == "200"
    assert status(served.send(GET + b"HOST" + AUTH + b"X: x\r\n" * 62 + b"\r\n")) == "200"
    assert status(served.send(GET + b"HOST" + AUTH + b"Content-Length: 0\r\n\r\n")) == "200"
    assert status(served.send(GET + b"HOST" + AUTH + b"X: " + b"x" * 10_000 + b"\r\n\r\n")) == "200"
    assert status(served.send(REBINDING % b"LocalHost:PORT")) == "200"
    assert status(served.send(REBINDING % b"[::1]:PORT")) == "200"
    assert status(served.send(b"GET / HTTP/1.0\r\nHOST" + AUTH + b"\r\n")) == "200"


def test_a_head_has_no_body(served: Served) -> None:
    head, body = served.send(b"HEAD / HTTP/1.1\r\nHOST" + AUTH + b"\r\n").split(b"\r\n\r\n")
    assert body == b""
    assert b"Allow: GET" in head


def test_who_is_refused_while_still_sending_is_not_cut_off(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(served.filled(GET + b"HOST" + AUTH + b"Content-Length: 40000\r\n\r\n"))
        assert status(rest(connection)) == "413"
        for _ in range(40_000):
            connection.sendall(b"x")


def test_what_is_sent_after_a_request_is_not_answered(served: Served) -> None:
    asked = len(served.shelf.asked)
    reply = served.send(GOOD + GOOD + b"garbage")
    assert status(reply) == "200"
    assert reply.count(b"HTTP/1.1") == 1
    assert len(served.shelf.asked) == asked + 1


@pytest.mark.parametrize("length", [0, 1, 20, 60])
def test_who_leaves_in_the_middle_of_a_request_gets_nothing(served: Served, length: int) -> None:
    with served.connect() as connection:
        connection.sendall(served.filled(GOOD)[:length])
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection) == b""
    assert served.is_served()


@pytest.mark.parametrize("length", [0, 1, 20, 60])
def test_who_stops_in_the_middle_of_a_request_is_sent_away(hurried: Served, length: int) -> None:
    with hurried.connect() as connection:
        connection.sendall(hurried.filled(GOOD)[:length])
        assert rest(connection) == b""
    assert hurried.is_served()


def test_who_sends_a_byte_now_and_then_is_sent_away_all_the_same(hurried: Served) -> None:
    with hurried.connect() as connection:
        connection.sendall(hurried.filled(GET + b"HOST" + AUTH + b"X: "))
        assert drip(connection) == b""
    assert hurried.is_served()


def drip(connection: socket.socket) -> bytes:
    """Send a byte each time that nothing has come; return what comes, nothing at the end."""
    with suppress(ConnectionError):
        while not select.select([connection], [], [], 0.02)[0]:
            connection.sendall(b"x")
    return rest(connection)


def test_who_never_ends_the_fields_is_sent_away(served: Served) -> None:
    sent = 0
    with served.connect() as connection:
        connection.sendall(served.filled(GET + b"HOST" + AUTH))
        try:
            while True:
                sent += connection.send(b"X-Field: and so on\r\n" * 100)
        except ConnectionError:
            pass
        reply = rest(connection)
    assert sent < 16_000_000  # what the buffers of the two sockets hold; the endpoint reads a hundredth of it
    assert tells_no_secret(served, reply)
    assert served.is_served()


@given(st.binary(max_size=3000))
@examples(150)
def test_no_bytes_get_a_secret_or_end_the_endpoint(served: Served, text: bytes) -> None:
    reply = told(served, text)
    assert status(reply) in {"", "400", "431"}
    assert tells_no_secret(served, reply)


PIECES = (
    *(
        b"GET ",
        b"HEAD ",
        b"/",
        b"/profile/dev",
        b"http://127.0.0.1:PORT/",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
    ),
    *(
        b"HOST",
        b"Host: localhost:PORT\r\n",
        b"Host: evil.example\r\n",
        b"Authorization: x\r\n",
        b"Authorization:",
    ),
    *(
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Origin: null\r\n",
        b"\r\n",
        b"\n",
        b"\r",
    ),
    *(b" ", b"\t", b"\0", b":", b"x", b"%2e%2e/", b"%", b"\xff", string.printable.encode()),
)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@examples(150)
def test_no_pieces_of_requests_get_a_secret_without_the_token(served: Served, pieces: list[bytes]) -> None:
    reply = told(served, b"GET / HTTP/1.1\r\nHOST" + b"".join(pieces))
    assert status(reply) in {"", "400", "403", "405", "413", "421", "431", "501", "505"}
    assert tells_no_secret(served, reply)


def told(served: Served, text: bytes) -> bytes:
    """Return the reply to `text` and no more; the endpoint must be alive after it."""
    with served.connect() as connection:
        connection.sendall(served.filled(text))
        connection.shutdown(socket.SHUT_WR)
        reply = rest(connection)
    assert served.is_served()
    return reply
