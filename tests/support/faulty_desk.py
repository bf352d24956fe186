"""Alice's computer, where each run's ports can fail; ledger, index, store and botocore below are real."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from support.broking import Desk
from vaultpy.broker import Broker
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import MARGIN_SECONDS, SessionStore
from vaultpy.sts import Sts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.aws import Clock
    from support.faults import Faults
    from vaultpy.aws_api import AwsClient
    from vaultpy.credentials import Credentials, Signs
    from vaultpy.mfa import TokenCode
    from vaultpy.plan import Plan
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.sts_requests import Request


class NotedSts(Sts):
    """STS by a client that is there already; what is sent to it is noted."""

    def __init__(self, plan: Plan, clock: Clock, client: AwsClient, sent: list[str]) -> None:
        super().__init__(plan.region, plan.endpoint_url, {}, clock)
        self._built = client  # building one takes longer than all else here
        self._sent = sent

    def credentials(
        self, request: Request, signer: Signs, code: TokenCode | None, facts: Mapping[str, object]
    ) -> Credentials:
        """Note the code, and send the request."""
        if code is not None:
            self._sent.append(code.digits.reveal())
        return super().credentials(request, signer, code, dict(facts))


class FaultyDesk(Desk):
    """A computer that knows which codes were `sent` from it."""

    def __init__(
        self, directory: Path, aws: SimulatedAws, key: AccessKey, device: MfaDevice, client: AwsClient
    ) -> None:
        """`client` is one of `aws`, for every run."""
        super().__init__(directory, aws, key, device)
        self.sent: list[str] = []
        self._client = client

    def run(self, plan: Plan, faults: Faults, margin: float = MARGIN_SECONDS) -> Credentials:
        """Get the plan's credentials as a new run does."""
        sts = NotedSts(plan, self.clock, self._client, self.sent)
        try:
            return Broker(
                sessions=self.store(faults),
                ledger=faults.around(self.ledger, "ledger"),
                index=faults.around(self.index, "index"),
                access_key=lambda plan: faults.make("signer", "access_key", lambda: self._access_key(plan)),
                mfa_device=lambda _: faults.around(self.mfa, "mfa"),
                sts=faults.around(sts, "sts"),
                person=self.person,
                confirm_endpoint=lambda plan: self._confirm(plan.endpoint_url),
                clock=self.clock,
                margin=margin,
                fresh_touch=lambda: False,
            ).credentials(plan)
        finally:
            sts.close()

    def store(self, faults: Faults) -> SessionStore:
        """Return the sessions as a new run finds them."""
        place = KeystorePlace(lambda: self.cache, self.clock)
        return SessionStore(
            faults.around(self.index, "index"), [faults.around(place, "place")], self.ledger.time
        )

    def assert_no_code_was_sent_twice(self) -> None:
        """Whatever went wrong."""
        assert len(self.sent) == len(set(self.sent))


class Somebody:
    """Alice, and her AWS; she begins anew on each computer."""

    def __init__(self, aws: SimulatedAws, clock: Clock, key: AccessKey, device: MfaDevice) -> None:
        self.aws = aws
        self._clock, self._key, self._device = clock, key, device
        self._client: AwsClient | None = None

    def sits_down(self, directory: Path, seconds_ago: int = 0) -> FaultyDesk:
        """Return a computer of hers on which nothing has happened yet; it is so many seconds ago there."""
        from vaultpy.aws_api import AwsClient

        self._client = self._client or AwsClient("sts", "eu-central-1", self.aws.url, {})
        self._clock.now, self._device.last_step = time.time() - seconds_ago, -1
        directory.mkdir()
        return FaultyDesk(directory, self.aws, self._key, self._device, self._client)
