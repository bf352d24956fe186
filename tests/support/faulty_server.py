"""A server of credentials in this process, whose ports can fail, and half an hour of its life in an instant.

Endpoint, renewal, broker, store and the command are real. The half hour passes on the thread that renews:
twice all that is served is due, the second time everything has ended. After each of the renewal's turns an
SDK asks. Then the command is let go, or `serve` is told to end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from support.renewal_story import Life
from support.visiting import Visitor
from vaultpy.config import Config
from vaultpy.exec_server import execute_served
from vaultpy.renewal import Renewal
from vaultpy.serve import Where, serve
from vaultpy.served_credentials import AHEAD_SECONDS
from vaultpy.server.endpoint import Endpoint, new_token
from vaultpy.server_wiring import AtPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from support.faults import Faults
    from support.faulty_desk import FaultyDesk
    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.served_credentials import Served
    from vaultpy.values import Secret

CONFIG = "vaultpy_session_duration = 15m\n"
SHORT = "duration_seconds = 900"
AGO = 840
"""So far back it begins: AWS takes a signature of a clock that is a quarter of an hour off, and no more."""
JUMPS = (660, 930)
"""Seconds: all is due, but lasts; all has ended."""
MENDING = (61, 61)
"""The pauses after a failure: no fault strikes twice, so what failed is well again."""
STATUS, OK, UNAVAILABLE = 7, 200, 503
COMMAND = ("/bin/sh", "-c", 'echo up > "$0"; read line < "$1"; exit 7')
REQUEST = b"GET /profile/role HTTP/1.1\r\nHOSTAuthorization: TOKEN\r\n\r\n"


class Answer:
    """What an SDK was told."""

    def __init__(self, reply: bytes) -> None:
        head, _, body = reply.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1])
        self.document: dict[str, str] = json.loads(body)


class FaultyServer:
    """One run, with all that `credential_server.Run` asks for; `answers` are what the SDK got."""

    def __init__(self, desk: FaultyDesk, plan: Plan, faults: Faults) -> None:
        self._desk, self._faults = desk, faults
        self.plan = plan
        self.environ = {**desk.environ, "AWS_ENDPOINT_URL": desk.aws.url, "PATH": os.defpath}
        self.config = Config.load(self.environ)
        self.index = faults.around(desk.index, "index")
        self.terminal = self
        self.said: list[str] = []
        self.answers: list[Answer] = []
        self.status: int | None = None
        self._endpoint: Endpoint | None = None
        self._token = new_token()
        self._fifos = [str(desk.directory / name) for name in ("up", "go")]
        self._up, self._go = map(_fifo, self._fifos)
        self._life: Life | None = None

    def execute(self) -> None:
        """Do what `exec --server` does, and keep its status."""
        try:
            self.status = execute_served(self, "role", [*COMMAND, *self._fifos], {"--server": ""}, allowed=[])
        finally:
            self._be_over()

    def serve(self, token_file: str) -> None:
        """Do what `serve` does."""
        try:
            serve(self, ["role"], [], Where(0, token_file), self.said.append)
        finally:
            self._be_over()

    def _be_over(self) -> None:
        os.write(self._up, b"over\n")
        if self._life is not None:
            self._life.end()
        if self._faults.dead and self._endpoint is not None:
            self._endpoint.close()  # as the system does it for a killed process
        os.close(self._up)
        os.close(self._go)

    def is_open(self) -> bool:
        """Tell whether anybody listens at the port."""
        if self._endpoint is None:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._endpoint.port)) == 0

    # ---- the parts of a run --------------------------------------------------------------------------

    def now(self) -> float:
        """Return AWS's time."""
        return float(self._faults.make("clock", "now", self._desk.ledger.time))

    def first(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
        """Return the credentials to begin with."""
        del options
        return self._desk.run(plan, self._faults)

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials that last."""
        return self._desk.run(plan, self._faults, AHEAD_SECONDS)

    def session(self, plan: Plan, margin: float) -> Credentials | None:
        """Return the MFA session at hand."""
        return self._desk.store(self._faults).get(plan.question(1), margin)

    def renewal(self, served: Sequence[Served], yubikey: str | None, wake: Callable[[], None]) -> Any:  # noqa: ANN401  # as much of a Renewal as is used
        """Return what keeps these alive, and lives half an hour in an instant."""
        del yubikey
        renewal = Renewal(served, self, clock=self.now, tell=self.said.append, wake=wake)
        self._life = Life(renewal, self._until_there, self._half_an_hour(), self._let_go)
        return self._life

    def endpoint(self, renewal: Renewal, token: Secret, port: int) -> Any:  # noqa: ANN401  # with faults
        """Listen on loopback."""

        def listen() -> Endpoint:
            self._endpoint = Endpoint(AtPaths(renewal), token, port=port)
            return self._endpoint

        return self._faults.around(self._faults.make("port", "open", listen), "endpoint")

    def new_token(self) -> Secret:
        """Return what an SDK is to show."""
        return self._token

    def leave_terminal(self) -> None:
        """Leave it."""
        if self._life is not None:
            self._life.begin()

    def end(self) -> None:
        """End nothing: there are no programs."""

    def note(self, text: str) -> None:
        """Remember what is said; from then on `serve` can be told to end."""
        self.said.append(text)
        if text.startswith("serving"):
            os.write(self._up, b"serving\n")

    warn = note

    # ---- half an hour --------------------------------------------------------------------------------

    def _until_there(self) -> bool:
        """Wait for the command, or for all to be over; tell which."""
        said = b""
        while not said.endswith(b"\n"):
            said += os.read(self._up, 100)
        self._serves = said == b"serving\n"
        return said in {b"up\n", b"serving\n"}

    def _let_go(self) -> None:
        if self._serves:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        else:
            os.write(self._go, b"\n")

    def _half_an_hour(self) -> Iterator[None]:
        """Let it pass; stops between the renewal's turns."""
        for seconds in (*JUMPS, *MENDING):
            self._ask()
            if seconds in MENDING and self.answers[-1].status == OK:
                return
            for clock in (self._desk.clock, self._desk.aws_clock):
                clock.advance(seconds)
            self._ask()
            yield
        self._ask()

    def _ask(self) -> None:
        """Ask as an SDK does; what is handed out is what AWS takes."""
        assert self._endpoint is not None
        reply = Visitor(self._endpoint.port, self._token).send(REQUEST)
        if self._faults.dead:
            return
        self.answers.append(answer := Answer(reply))
        assert answer.status in {OK, UNAVAILABLE}, answer.document
        if answer.status == OK:
            session = self._desk.aws.session(answer.document["AccessKeyId"])
            assert session.expiration > self._desk.aws_clock()
        else:
            assert "; " in answer.document["message"], answer.document
            assert "bug" not in answer.document["message"], answer.document


def _fifo(path: str) -> int:
    os.mkfifo(path)
    return os.open(path, os.O_RDWR)
