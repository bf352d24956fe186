"""The simulated AWS as fixtures: one account, one user with an access key and an MFA device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT, Clock
from vaultpy.simulated.aws import SimulatedAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice


@pytest.fixture
def aws_clock() -> Clock:
    """Return the clock that the simulated AWS goes by."""
    return Clock()


@pytest.fixture
def aws(aws_clock: Clock) -> Iterator[SimulatedAws]:
    """Serve a simulated AWS, in which time stands still."""
    with SimulatedAws(aws_clock) as simulated:
        yield simulated


@pytest.fixture
def alice(aws: SimulatedAws) -> User:
    """Return an IAM user."""
    return aws.account(ACCOUNT).user("alice")


@pytest.fixture
def key(alice: User) -> AccessKey:
    """Return alice's access key."""
    return alice.access_key()


@pytest.fixture
def device(alice: User) -> MfaDevice:
    """Return alice's MFA device."""
    return alice.mfa_device()
