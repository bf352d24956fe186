"""The endpoint and many visitors: all of them served, none of them able to keep the others out."""

from __future__ import annotations

import errno
import itertools
import resource
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from support.visiting import GOOD, PATIENCE, Shelf, Visitor, rest, serving, status
from vaultpy.credentials import Credentials
from vaultpy.server.limits import Limits, places_of
from vaultpy.server.visitors import Visitors
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vaultpy.server.visitor import Take

CROWD = 100
LARGE_CROWD = 500
HUGE = 16_000_000
"""More bytes than the two sockets of a connection keep."""

CLIENTS = """
import socket, sys
number, port, request = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
clients = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(number)]
print("here", flush=True)
for client in clients:
    client.sendall(request)
served = sum(client.recv(65536).startswith(b"HTTP/1.1 200 ") for client in clients)
print(served)
"""

NO_ROOM = """
import resource, sys
from support.visiting import Served, Shelf
from vaultpy.server.limits import Limits
served = Served(Shelf(), Limits(places=1000, seconds=60, crowded_seconds=0.2))
served.endpoint.start()
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
print(served.endpoint.port, served.filled(b"TOKEN").decode(), flush=True)
sys.stdin.read()
"""


def huge() -> Shelf:
    return Shelf(Credentials("ASIAX", Secret("the-secret"), Secret("s" * HUGE), 0))


def test_a_crowd_is_served() -> None:
    barrier = Barrier(CROWD)

    def visit(_number: int) -> str:
        with served.connect() as connection:
            barrier.wait(PATIENCE)
            connection.sendall(served.filled(GOOD))
            return status(rest(connection))

    with serving() as served, ThreadPoolExecutor(CROWD) as threads:
        assert list(threads.map(visit, range(CROWD))) == ["200"] * CROWD


def test_five_hundred_who_are_there_at_once_are_served() -> None:
    with serving() as served, ExitStack() as stack:
        crowds = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", CLIENTS, "125", str(served.endpoint.port)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for _ in range(LARGE_CROWD // 125)
        ]
        replies = [crowd.communicate(served.filled(GOOD), PATIENCE)[0].split() for crowd in crowds]
    assert replies == [[b"here", b"125"]] * len(crowds)


def test_more_than_there_are_places_for_are_served_one_after_the_other() -> None:
    with serving(limits=Limits(places=3)) as served, ThreadPoolExecutor(30) as threads:
        replies = threads.map(lambda _: status(served.send(GOOD)), range(30))
        assert list(replies) == ["200"] * 30


def test_those_who_only_sit_there_make_room_for_others() -> None:
    with serving(limits=Limits(places=3, seconds=600, crowded_seconds=0.1)) as served, ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(20)]
        assert served.is_served()
        assert [rest(connection) for connection in idle[:18]] == [b""] * 18


def test_who_does_not_take_the_reply_makes_room_for_others() -> None:
    with (
        serving(huge(), Limits(places=1, seconds=600, crowded_seconds=0.5)) as served,
        served.connect(receive_buffer=4096) as idle,
    ):
        idle.sendall(served.filled(GOOD))
        assert status(served.send(b"GET /other HTTP/1.1\r\nHOSTAuthorization: TOKEN\r\n\r\n")) == "404"
        assert len(rest(idle)) < HUGE


def test_who_takes_a_reply_in_small_parts_gets_the_whole() -> None:
    with serving(huge()) as served, served.connect(receive_buffer=4096) as connection:
        connection.sendall(served.filled(GOOD))
        head, _, body = rest(connection).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}\r\n".encode() in head
        assert body.endswith(b'"AccountId": "123456789012"}')


def test_a_process_that_may_open_no_more_files_still_answers() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert Limits().places <= soft // 2
    with (
        subprocess.Popen(
            [sys.executable, "-c", NO_ROOM],
            cwd=__file__.rpartition("/")[0],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server,
        ExitStack() as stack,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        port, token = server.stdout.readline().split()
        visitor = Visitor(int(port), Secret(token.decode()))
        for _ in range(40):
            stack.enter_context(visitor.connect())
        assert visitor.is_served()
        server.stdin.close()
        assert server.wait(PATIENCE) == 0


class FullOnce(socket.socket):
    """A listener for whose first connection there is no room."""

    was_full = False

    def accept(self) -> tuple[socket.socket, object]:
        """Raise what the system says where too many files are open, once."""
        if not self.was_full:
            self.was_full = True
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@contextmanager
def visitors_of(
    listener: socket.socket, exchange: Callable[[], Take], clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Serve without HTTP."""
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    visitors = Visitors(listener, Limits(), clock)
    thread = Thread(target=visitors.serve, args=(exchange,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        visitors.stop()
        thread.join(PATIENCE)
        visitors.close()


@pytest.mark.parametrize("tick", [0.01, 0.04, 0.2])
def test_a_pause_ends_however_the_clock_goes_meanwhile(tick: float) -> None:
    listener = FullOnce()
    with visitors_of(listener, lambda: lambda _: b"a reply", itertools.count(0, tick).__next__):
        assert reply_to(b"a request", listener) == b"a reply"


def test_what_goes_wrong_with_one_visitor_ends_that_one_only() -> None:
    def take(text: bytes) -> bytes:
        return {b"a request": b"a reply"}[text]

    listener = socket.socket()
    with visitors_of(listener, lambda: take):
        assert reply_to(b"a surprise", listener) == b""
        assert reply_to(b"a request", listener) == b"a reply"


def reply_to(text: bytes, listener: socket.socket) -> bytes:
    with socket.create_connection(listener.getsockname(), PATIENCE) as connection:
        connection.sendall(text)
        return rest(connection)


def test_no_more_are_let_in_at_once_than_there_are_places_for() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    visitors = Visitors(listener, Limits(places=3))
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection(listener.getsockname(), PATIENCE))
        visitors._turn(lambda: lambda _: None)
        assert len(visitors._visitors) == 3
    visitors.close()


def test_visitors_have_half_of_the_files_that_may_be_open_and_enough_where_that_is_any_number() -> None:
    assert [places_of(files) for files in (-1, 1, 256, 1024, 1 << 20)] == [512, 1, 128, 512, 512]
