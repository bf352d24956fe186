"""A simulated AWS on loopback: STS and IAM that verify what they are asked.

It is a stateful simulator, not a set of canned replies. Signature, region, clock, MFA code, serial, trust
conditions, durations and the state of each key are checked as AWS documents them, and refused in AWS's words.
Where AWS publishes nothing, the docstring at that place says what is assumed, under its number in
docs/unproven.md.

    with SimulatedAws() as aws:
        alice = aws.account("123456789012").user("alice")
        key, device = alice.access_key(), alice.mfa_device()
        role = alice.account.role("dev", requires_mfa=True)
        ...  # a client with endpoint_url = aws.url

All accounts share one endpoint, which plays every region of `regions` in all partitions. Time is what `clock`
says.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Condition, Event
from typing import TYPE_CHECKING

from vaultpy.simulated import aws_errors
from vaultpy.simulated.aws_accounts import Account
from vaultpy.simulated.aws_dispatch import Query, perform
from vaultpy.simulated.aws_faults import Fault, Faults
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.simulated.aws_sessions import REGIONS, Cloud, Habits, Session
from vaultpy.simulated.sigv4 import HttpRequest, access_key_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self

TOKEN_SIZE = 1024  # characters; AWS promises nothing but "typically less than 4096 bytes" (unproven A22)


@dataclass(frozen=True)
class Call:
    """A request that arrived, at the time `at` (epoch seconds), by the simulation's clock.

    `verdict` is `OK` or AWS's error code, None if a fault kept it from being looked at. The parameters are
    without Action and Version, and codes are only said to be there.
    """

    action: str
    access_key_id: str | None
    parameters: dict[str, str]
    at: float
    verdict: str | None
    fault: Fault | None = None

    @property
    def signed(self) -> bool:
        """Whether the request came with a signature, be it a good one or not."""
        return self.access_key_id is not None


class SimulatedAws:
    """STS and IAM for as many accounts as a test wants; serves between `__enter__` and `__exit__`."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        regions: Iterable[str] = REGIONS,
        token_size: int = TOKEN_SIZE,
        heard: Callable[[Call], None] | None = None,
    ) -> None:
        """`heard` gets each request before its answer leaves, so that what it does comes first."""
        self.clock = clock
        self.latency = 0.0
        """Seconds that every answer takes."""
        self.requests: list[Call] = []
        """Everything that arrived, in order."""
        self.habits = Habits()
        self._cloud = Cloud(clock, tuple(regions), token_size, self.habits)
        self._heard = heard
        self._faults = Faults()
        self._changed = Condition()
        self._stopping = Event()
        self._server = AwsServer(self._answer, clock)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.stop()

    @property
    def url(self) -> str:
        """The endpoint of both services, to be used as `endpoint_url`; sign-in is below it at /federation."""
        return self._server.url

    @property
    def calls(self) -> list[Call]:
        """The signed requests, in order."""
        return [call for call in self.requests if call.signed]

    @property
    def unsigned(self) -> list[Call]:
        """The requests that nobody signed, in order."""
        return [call for call in self.requests if not call.signed]

    def account(self, account_id: str, partition: str = "aws") -> Account:
        """Return the account with this id, created if it is new."""
        new = Account(account_id, partition, self.clock)
        return self._cloud.accounts.setdefault(account_id, new)

    def session(self, access_key_id: str) -> Session:
        """Return what STS issued under this access key id; raises KeyError."""
        return self._cloud.sessions[access_key_id]

    def fail_next(self, action: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` signed calls of `action` go wrong."""
        self._faults.order(action, fault, times)

    def fail_role(self, role_arn: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` signed calls for the role go wrong."""
        self._faults.order_for_role(role_arn, fault, times)

    def fail_nth(self, number: int, fault: Fault) -> None:
        """Let the signed call number `number` from now on go wrong, whatever its action; 1 is the next."""
        self._faults.order_nth(number, fault)

    def wait_for(self, action: str, times: int = 1, timeout: float = 10) -> None:
        """Wait until `action` was called `times` in all; raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: sum(call.action == action for call in self.calls) >= times, timeout
            ):
                raise TimeoutError(f"{action} was not called {times} times within {timeout} s")

    def _answer(self, request: HttpRequest) -> Reply | None:
        """Answer one request; None closes the connection."""
        with self._changed:
            reply, fault = self._carry_out(request)
        if self.latency:
            self._stopping.wait(self.latency)
        if fault is Fault.HANG:
            self._stopping.wait()
        return None if fault and fault.silences else reply

    def _carry_out(self, request: HttpRequest) -> tuple[Reply, Fault | None]:
        """Carry out one request, fault included, and write it down."""
        query, now, verdict = Query.of(request), self.clock(), None
        key_id = access_key_id_of(request)
        role_arn = query.parameters.get("RoleArn")
        fault = self._faults.take(query.action, role_arn) if key_id is not None else None
        if fault and fault.strikes_first:
            unavailable = fault is Fault.SERVICE_UNAVAILABLE
            reply = query.refused(
                aws_errors.service_unavailable() if unavailable else aws_errors.throttling()
            )
        else:
            verdict, reply = perform(self._cloud, request, query, now)
        if fault is Fault.SERVER_ERROR:
            reply = query.refused(aws_errors.internal_failure())
        if fault is Fault.MALFORMED:
            reply = replace(reply, body=reply.body[: len(reply.body) // 2])
        call = Call(query.action, key_id, query.shown_parameters(), now, verdict, fault)
        self.requests.append(call)
        if self._heard is not None:
            self._heard(call)
        self._changed.notify_all()
        return reply, fault
