"""Accounts for AWS are told from others by their names."""

from __future__ import annotations

import pytest

from vaultpy.accounts import Account
from vaultpy.held_account import HeldAccount


@pytest.mark.parametrize(
    ("name", "for_aws"),
    [
        ("arn:aws:iam::123456789012:mfa/alice", True),
        ("arn:aws-cn:iam::123456789012:mfa/alice", True),
        ("Amazon Web Services:alice@123456789012", True),
        ("Amazon Web Services:alice@acme", True),
        ("Amazon Web Services:alice", False),
        ("arn:aws:iam::123456789012:user/alice", False),
        ("GitHub:arn:aws:iam::123456789012:mfa/alice", False),
        ("Amazon:alice@example.com", False),
    ],
)
def test_an_account_is_for_aws_if_it_is_called_so(name: str, *, for_aws: bool) -> None:
    assert HeldAccount(Account(name.encode(), "TOTP, SHA1", fits=True), touch=True).for_aws is for_aws
