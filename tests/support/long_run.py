"""Days in seconds for a server of credentials: real endpoint, broker, store and botocore; AWS is simulated.

It is a program, because botocore signs by the clock of its process: `python -m support.long_run DIRECTORY
SECONDS` with the variables of `time_travel.clock`. It writes what happened as JSON.
"""

from __future__ import annotations

import ctypes
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.credentials import ContainerProvider

from support.aws import ACCOUNT, Clock, client
from support.broking import Desk, role
from vaultpy.renewal import Renewal
from vaultpy.served_credentials import AHEAD_SECONDS, Served
from vaultpy.server.endpoint import Endpoint, new_token
from vaultpy.server_wiring import AtPaths
from vaultpy.simulated.aws import SimulatedAws

if TYPE_CHECKING:
    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan

ROLES = ("deploy", "logs")
POLL_SECONDS = 600


def let_pass(desk: Desk, seconds: int) -> None:
    """Advance the clocks of the desk and of AWS, and that of this process, by which botocore signs."""
    for clock in (desk.clock, desk.aws_clock):
        clock.advance(seconds)
    ctypes.c_long.in_dll(ctypes.CDLL(None), "seconds_more").value += seconds


class Source:
    """What the renewal gets its credentials from, on alice's desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def credentials(self, plan: Plan) -> Credentials:
        """Get what a plan leads to."""
        return self._desk.broker(plan, margin=AHEAD_SECONDS).credentials(plan)

    def session(self, plan: Plan, margin: float) -> Credentials | None:
        """Return the MFA session at hand."""
        return self._desk.sessions.get(plan.question(1), margin)


class Sdk:
    """An SDK as it is found in a command that runs for days."""

    def __init__(self, aws: SimulatedAws, variables: dict[str, str]) -> None:
        self._aws = aws
        self._credentials: Any = ContainerProvider(variables).load()
        self._key_id = ""

    def work(self) -> None:
        """Have credentials that AWS takes: it is called with each new ones."""
        frozen = self._credentials.get_frozen_credentials()
        assert self._aws.session(frozen.access_key).expiration > self._aws.clock()
        if frozen.access_key == self._key_id:
            return
        self._key_id = frozen.access_key
        signer = {"AccessKeyId": frozen.access_key, "SecretAccessKey": frozen.secret_key}
        made = client(self._aws, {**signer, "SessionToken": frozen.token}, clock=time.time)
        assert ":assumed-role/" in made.get_caller_identity()["Arn"]


def run(directory: Path, seconds: int) -> dict[str, object]:
    """Serve two roles so long, with an SDK each that works every ten minutes; return what happened."""
    with SimulatedAws(Clock()) as aws:
        alice = aws.account(ACCOUNT).user("alice")
        desk = Desk(directory, aws, alice.access_key(), alice.mfa_device())
        config = "".join(role(alice.account.role(it, requires_mfa=True).arn, it) for it in ROLES)
        served = [Served(f"/profile/{it}", it, lambda it=it: desk.plan(config, it)) for it in ROLES]  # type: ignore[misc]  # each its own
        said: list[str] = []
        renewal = Renewal(served, Source(desk), clock=desk.ledger.time, tell=said.append)
        endpoint = Endpoint(AtPaths(renewal), token := new_token())
        endpoint.start()
        renewal.step()
        variables = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": token.reveal()}
        sdks = [
            Sdk(aws, {**variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url(it.path)})
            for it in served
        ]
        began, polls = desk.clock(), 0

        def pause(wait: float) -> bool:
            nonlocal polls
            let_pass(desk, math.ceil(wait))
            if desk.clock() - began >= polls * POLL_SECONDS:
                polls += 1
                for sdk in sdks:
                    sdk.work()
            return desk.clock() - began >= seconds

        renewal.run(pause)
        endpoint.close()
        return {
            "polls": polls,
            "touches": desk.events.count("touch"),
            "sessions": desk.signed().count("GetSessionToken"),
            "roles": desk.signed().count("AssumeRole"),
            "verdicts": sorted({str(it.verdict) for it in aws.calls}),
            "said": said,
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]))))
