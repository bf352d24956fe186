"""The errors of the simulated AWS, in AWS's own codes, statuses and words.

AWS publishes few of these texts. Most were read in public reports of the commands and SDKs that met them; one
marked "recalled" was not checked against any, and no client should depend on its words (unproven A14).
"""

from __future__ import annotations


class AwsError(Exception):
    """An error on its way to the client: AWS's code and message with the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


# ---- who signs ---------------------------------------------------------------------------------------


def missing_authentication_token() -> AwsError:
    """Return the refusal of a call that nobody signed (recalled)."""
    return AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def incomplete_signature(problem: str) -> AwsError:
    """Return the refusal of an Authorization header that cannot be read."""
    return AwsError("IncompleteSignature", problem, 400)


def signature_does_not_match(
    problem: str = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    ),
) -> AwsError:
    """Return the refusal of a signature: by default the one for a wrong secret or a changed request."""
    return AwsError("SignatureDoesNotMatch", problem, 403)


def invalid_client_token_id() -> AwsError:
    """Return the refusal of a key that is unknown, inactive, too new, or may not be used here at all."""
    return AwsError("InvalidClientTokenId", "The security token included in the request is invalid", 403)


def expired_token() -> AwsError:
    """Return the refusal of a session that has ended (recalled)."""
    return AwsError("ExpiredToken", "The security token included in the request is expired", 403)


def region_disabled(region: str, account_id: str) -> AwsError:
    """Return the refusal of an account that has STS switched off in this region (recalled; unproven A32)."""
    return AwsError(
        "RegionDisabledException",
        f"STS is not activated in the requested region {region} for account:{account_id}. "
        "Your account administrator can activate STS in this region using the IAM Console.",
        403,
    )


# ---- MFA ---------------------------------------------------------------------------------------------


def access_denied(message: str) -> AwsError:
    """Return an AccessDenied with this text."""
    return AwsError("AccessDenied", message, 403)


def mfa_code_wrong() -> AwsError:
    """Return the refusal of a wrong code, or of a used one (unproven A4); AWS ends it with a space."""
    return access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")


def mfa_device_wrong() -> AwsError:
    """Return the refusal of a serial that is unknown, somebody else's, or out of sync."""
    return access_denied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  "
        "Please verify your MFA serial number is valid and associated with this user."
    )


def mfa_half_given() -> AwsError:
    """Return the refusal of a serial without a code, or of a code without a serial."""
    return access_denied(
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
    )


# ---- permissions -------------------------------------------------------------------------------------


def not_authorized(caller_arn: str, action: str, resource: str, why: str = "") -> AwsError:
    """Return the refusal of an action; AssumeRole's never gives a reason, so never speaks of MFA."""
    return access_denied(
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource}{why}"
    )


def session_credentials_refused(action: str) -> AwsError:
    """Return the refusal of an STS action that only a long-term access key may call."""
    return access_denied(f"Cannot call {action} with session credentials")


def root_assumes_roles() -> AwsError:
    """Return the refusal of AssumeRole by an account's root user (recalled)."""
    return access_denied("Roles may not be assumed by root accounts.")


# ---- what was asked ----------------------------------------------------------------------------------


def validation_error(message: str) -> AwsError:
    """Return the refusal of a parameter."""
    return AwsError("ValidationError", message, 400)


def invalid_parameter_value(message: str) -> AwsError:
    """Return the refusal of tags that do not go together."""
    return AwsError("InvalidParameterValue", message, 400)


def source_identity_set() -> AwsError:
    """Return the refusal to change a source identity."""
    return validation_error("The source identity is already set for this assume role session")


def duration_over_role_maximum() -> AwsError:
    """Return the refusal of a duration over the role's MaxSessionDuration."""
    return validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def duration_over_chaining_limit() -> AwsError:
    """Return the refusal of more than an hour, asked with temporary credentials."""
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )


def malformed_policy() -> AwsError:
    """Return the refusal of a session policy that is no JSON object (recalled)."""
    return AwsError("MalformedPolicyDocument", "The policy is not in the valid JSON format.", 400)


def packed_policy_too_large(percent: int) -> AwsError:
    """Return the refusal of session policies and tags that take over 100 percent of their room (recalled)."""
    return AwsError(
        "PackedPolicyTooLarge",
        f"Packed policy consumes {percent}% of allotted space, please use smaller policy.",
        400,
    )


def invalid_action(action: str, version: str) -> AwsError:
    """Return the refusal of an action that the service does not have."""
    return AwsError("InvalidAction", f"Could not find operation {action} for version {version}", 400)


# ---- trouble -----------------------------------------------------------------------------------------


def throttling() -> AwsError:
    """Return the refusal of too many calls."""
    return AwsError("Throttling", "Rate exceeded", 400)


def service_unavailable() -> AwsError:
    """Return AWS's refusal to look at anything now (recalled)."""
    return AwsError(
        "ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503
    )


def internal_failure() -> AwsError:
    """Return AWS's own failure (recalled)."""
    return AwsError(
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
        500,
    )
