"""A user's access keys: which signer is asked, and what is said of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.rotating import Network
from vaultpy.credentials import AccessKey
from vaultpy.errors import AccessKeyRefused, AwsRefused, KeysForbidden, NoAnswer, Unreachable
from vaultpy.iam import Iam
from vaultpy.simulated.aws_faults import Fault
from vaultpy.user_access_keys import UserKeys
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import User

UNKNOWN = "AKIAABCDEFGHIJKLMNOP"


@pytest.fixture
def keys(aws: SimulatedAws, key: AwsAccessKey, alice: User) -> UserKeys:
    """Return alice's keys, signed for by the first of them."""
    return UserKeys(Network(aws).iam, alice.name, long_term(key))


def long_term(key: AwsAccessKey) -> AccessKey:
    return AccessKey(key.id, Secret(key.secret))


def test_the_next_signer_does_what_the_first_may_not_any_more(keys: UserKeys, alice: User) -> None:
    first = next(iter(alice.access_keys))
    second = alice.access_key()
    keys.let_sign(long_term(second))
    keys.let_sign(long_term(second))
    keys.deactivate(first)
    keys.delete(first)
    assert set(alice.access_keys) == {second.id}


def test_what_was_left_open_is_asked_again_by_the_next_signer(
    keys: UserKeys, aws: SimulatedAws, alice: User
) -> None:
    doomed = alice.access_key()
    keys.let_sign(long_term(next(iter(alice.access_keys.values()))))
    keys.let_sign(long_term(doomed))
    aws.fail_next("DeleteAccessKey", Fault.CLOSE_BEFORE)
    keys.delete(doomed.id)
    assert doomed.id not in alice.access_keys


def test_a_key_that_is_gone_counts_as_deleted(keys: UserKeys) -> None:
    keys.delete(UNKNOWN)
    keys.deactivate(UNKNOWN)


def test_the_last_signers_refusal_is_told(keys: UserKeys, alice: User) -> None:
    keys.let_sign(AccessKey(UNKNOWN, Secret("no key of anybody's")))
    alice.denied.add("iam:DeleteAccessKey")
    with pytest.raises(AccessKeyRefused):
        keys.delete(next(iter(alice.access_keys)))


def test_what_was_left_open_stays_open_when_the_next_signer_is_refused(
    keys: UserKeys, aws: SimulatedAws, alice: User
) -> None:
    keys.let_sign(AccessKey(UNKNOWN, Secret("no key of anybody's")))
    aws.fail_next("UpdateAccessKey", Fault.CLOSE_AFTER)
    with pytest.raises(NoAnswer):
        keys.deactivate(next(iter(alice.access_keys)))


def test_without_a_network_nobody_else_is_asked(key: AwsAccessKey) -> None:
    offline = UserKeys(Iam("eu-central-1", "http://127.0.0.1:1", {}), "alice", long_term(key))
    with pytest.raises(Unreachable):
        offline.delete(key.id)


def test_only_a_denial_is_said_to_be_one(keys: UserKeys, alice: User) -> None:
    alice.access_key()
    with pytest.raises(AwsRefused, match="LimitExceeded"):
        keys.create()
    alice.denied.add("iam:CreateAccessKey")
    with pytest.raises(KeysForbidden):
        keys.create()


def test_a_key_is_described_by_its_state_birthday_and_last_use(keys: UserKeys, alice: User) -> None:
    fresh = alice.access_key()
    fresh.created, fresh.active = 1_700_000_000, False
    mine, other = keys.listed()
    assert keys.described(other) == "inactive, created 2023-11-14, never used"
    assert keys.described(mine).endswith("for iam")
    assert keys.was_used(mine.id)
    assert not keys.was_used(other.id)


def test_a_key_whose_use_may_not_be_seen_may_have_been_used(keys: UserKeys, alice: User) -> None:
    alice.denied.add("iam:GetAccessKeyLastUsed")
    (mine,) = keys.listed()
    assert keys.was_used(mine.id)
    assert keys.last_use_of(mine.id) == "last use unknown"
