"""IAM, version 2010-05-08: each action as a function from a call to its result; all raise AwsError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated import aws_iam_keys, aws_iam_mfa, aws_iam_users
from vaultpy.simulated.aws_iam_caller import described_user, user_meant

if TYPE_CHECKING:
    from vaultpy.simulated.aws_invocation import Invocation
    from vaultpy.simulated.aws_xml import Result


def get_user(call: Invocation) -> Result:
    """Answer GetUser."""
    return {"User": described_user(user_meant(call, "iam:GetUser"))}


ACTIONS = {"GetUser": get_user, **aws_iam_keys.ACTIONS, **aws_iam_mfa.ACTIONS, **aws_iam_users.ACTIONS}
