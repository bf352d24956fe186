"""The simulated IAM's access keys: each action as a function from a call to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated.aws_errors import not_authorized
from vaultpy.simulated.aws_iam_caller import account_of, page, permit, user_meant, user_of_keys
from vaultpy.simulated.aws_iam_errors import no_such_access_key, over_quota
from vaultpy.simulated.aws_sessions import principal_of
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_invocation import Invocation

MOST_KEYS = 2
KEY_ID = r"\w+"
STATES = ("Active", "Inactive")


def create_access_key(call: Invocation) -> Result:
    """Answer CreateAccessKey; AWS gets to know the key after `habits.key_propagation` seconds."""
    user = user_meant(call, "iam:CreateAccessKey")
    if len(user.access_keys) >= MOST_KEYS:
        raise over_quota("AccessKeysPerUser", MOST_KEYS)
    key = user.access_key(propagation=call.cloud.habits.key_propagation)
    return {"AccessKey": {**_described(key), "SecretAccessKey": key.secret}}


def update_access_key(call: Invocation) -> Result:
    """Answer UpdateAccessKey, which takes effect at once."""
    user = user_of_keys(call, "iam:UpdateAccessKey")
    state = call.parameters.choice("Status", STATES)
    _key_of(call, user).active = state == "Active"
    return {}


def delete_access_key(call: Invocation) -> Result:
    """Answer DeleteAccessKey, which an active key suffers too, its own signer included."""
    user = user_meant(call, "iam:DeleteAccessKey")
    del user.access_keys[_key_of(call, user).id]
    return {}


def list_access_keys(call: Invocation) -> Result:
    """Answer ListAccessKeys."""
    user = user_of_keys(call, "iam:ListAccessKeys")
    return page(call, "AccessKeyMetadata", [_described(key) for key in user.access_keys.values()])


def get_access_key_last_used(call: Invocation) -> Result:
    """Answer GetAccessKeyLastUsed.

    A key of no user of this account is refused as one that the caller may not see (text imitated). Whether
    the use of a session counts as one of its key is unknown; here it does not (unproven A25).
    """
    key_id = call.parameters.required("AccessKeyId", 16, 128, KEY_ID)
    action, resource = "iam:GetAccessKeyLastUsed", f"access key {key_id}"
    permit(call, action, resource)
    account = account_of(call)
    users = (account.root, *account.users.values())
    key = next((user.access_keys[key_id] for user in users if key_id in user.access_keys), None)
    if key is None:
        raise not_authorized(principal_of(call.caller).arn, action, resource)
    last = key.last_use
    used = {"ServiceName": last.service if last else "N/A", "Region": last.region if last else "N/A"}
    return {
        "UserName": key.user.name,
        "AccessKeyLastUsed": {"LastUsedDate": timestamp(last.at) if last else None, **used},
    }


def _key_of(call: Invocation, user: User) -> AccessKey:
    key_id = call.parameters.required("AccessKeyId", 16, 128, KEY_ID)
    if key_id not in user.access_keys:
        raise no_such_access_key(key_id)
    return user.access_keys[key_id]


def _described(key: AccessKey) -> dict[str, Result | None]:
    return {
        "UserName": key.user.name,
        "AccessKeyId": key.id,
        "Status": STATES[not key.active],
        "CreateDate": timestamp(key.created),
    }


ACTIONS = {
    "CreateAccessKey": create_access_key,
    "DeleteAccessKey": delete_access_key,
    "GetAccessKeyLastUsed": get_access_key_last_used,
    "ListAccessKeys": list_access_keys,
    "UpdateAccessKey": update_access_key,
}
