"""The refusals of the simulated IAM, beside those that it shares with STS (`aws_errors`).

Codes and statuses are those of AWS's API model. The texts were read in public reports, or where it says
"imitated" in other imitations of IAM only: no client should depend on these (unproven A15).
"""

from __future__ import annotations

from vaultpy.simulated.aws_errors import AwsError, validation_error


def no_such_user(name: str) -> AwsError:
    """Return the refusal of a user name that nobody has."""
    return _no_such_entity(f"The user with name {name} cannot be found.")


def no_such_access_key(key_id: str) -> AwsError:
    """Return the refusal of a key that the user does not have."""
    return _no_such_entity(f"The Access Key with id {key_id} cannot be found.")


def no_such_policy(name: str) -> AwsError:
    """Return the refusal of a policy that user or role does not have (imitated)."""
    return _no_such_entity(f"The policy with name {name} cannot be found.")


def no_such_role(name: str) -> AwsError:
    """Return the refusal of a role name that nothing has."""
    return _no_such_entity(f"The role with name {name} cannot be found.")


def not_empty() -> AwsError:
    """Return the refusal to delete what something else still belongs to (imitated)."""
    return AwsError("DeleteConflict", "Cannot delete entity, must delete what belongs to it first.", 409)


def no_such_mfa_device(serial: str) -> AwsError:
    """Return the refusal of a virtual device that the account does not have (imitated)."""
    return _no_such_entity(f"VirtualMFADevice with serial number {serial} does not exist.")


def not_the_users_device() -> AwsError:
    """Return the refusal of a device that is not enabled for the user (imitated)."""
    return _no_such_entity("MFA Device invalid for user.")


def mfa_device_exists() -> AwsError:
    """Return the refusal to create a device under a name that is taken."""
    return AwsError("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.", 409)


def mfa_device_in_use() -> AwsError:
    """Return the refusal to enable a device that is enabled already (imitated)."""
    return AwsError("EntityAlreadyExists", "MFA Device is already in use.", 409)


def mfa_device_still_in_use() -> AwsError:
    """Return the refusal to delete a device that is enabled for a user (imitated)."""
    return AwsError("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409)


def authentication_code_wrong() -> AwsError:
    """Return the refusal of the two codes that Enable and Resync want."""
    return AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


def over_quota(quota: str, limit: int) -> AwsError:
    """Return the refusal of one thing too many."""
    return AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def temporarily_unmodifiable(name: str) -> AwsError:
    """Return the refusal to change a user who was made anew a moment ago (text assumed; unproven A26)."""
    return AwsError(
        "EntityTemporarilyUnmodifiable", f"User {name} cannot be modified at this time. Try again later.", 409
    )


def user_name_missing() -> AwsError:
    """Return the refusal of a call that means its own user, signed with credentials of none."""
    return validation_error("Must specify userName when calling with non-User credentials")


def _no_such_entity(text: str) -> AwsError:
    return AwsError("NoSuchEntity", text, 404)
