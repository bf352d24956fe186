"""Who signs a request to the simulated AWS, and whether that counts."""

from __future__ import annotations

import hmac

from vaultpy.simulated.aws_accounts import AccessKey, LastUse, User
from vaultpy.simulated.aws_errors import (
    expired_token,
    invalid_client_token_id,
    region_disabled,
    signature_does_not_match,
)
from vaultpy.simulated.aws_sessions import Caller, Cloud, FederatedUser, Session, partition_of, principal_of
from vaultpy.simulated.sigv4 import Authorization, HttpRequest


def authenticate(cloud: Cloud, request: HttpRequest, service: str, now: float) -> Caller:
    """Return the access key or session that signed `request` for `service` (`sts`, `iam`); raises AwsError.

    In which order AWS checks is not published; this one names the clock before the secret, and a session's
    end last (unproven A21).
    """
    authorization = Authorization.of(request)
    _check_scope(cloud, authorization, service)
    authorization.check_time(now)
    caller = cloud.caller(authorization.access_key_id)
    token = request.header("X-Amz-Security-Token")
    if caller is None or not _is_known(caller, token, now, outlives_key=cloud.habits.sessions_outlive_keys):
        raise invalid_client_token_id()
    authorization.check_signature(request, caller.secret)
    if isinstance(caller, Session) and now >= caller.expiration:
        raise expired_token()
    account = principal_of(caller).account
    if account.partition != partition_of(authorization.region):
        raise invalid_client_token_id()
    if service == "sts" and authorization.region in account.disabled_regions:
        raise region_disabled(authorization.region, account.id)
    if service == "iam" and not _may_call_iam(caller):
        raise invalid_client_token_id()
    if isinstance(caller, AccessKey):
        caller.last_use = LastUse(now, service, authorization.region)
    return caller


def _check_scope(cloud: Cloud, authorization: Authorization, service: str) -> None:
    """Refuse another service or region than this endpoint's.

    AWS's IAM accepts one region a partition. botocore signs for the client's own region where the endpoint is
    not AWS's, so here IAM accepts every region that STS does.
    """
    if authorization.service != service:
        raise signature_does_not_match(f"Credential should be scoped to correct service: '{service}'. ")
    if authorization.region not in cloud.regions:
        raise signature_does_not_match("Credential should be scoped to a valid region. ")


def _is_known(caller: Caller, token: str | None, now: float, *, outlives_key: bool) -> bool:
    """Tell whether the key is active and in effect, and the token its own.

    With `outlives_key` a session does not need the access key any more that made it.
    """
    if isinstance(caller, Session):
        if not hmac.compare_digest((token or "").encode(), caller.token.encode()):
            return False
        key = caller.made_with
        return outlives_key or key is None or (key.active and key.id in key.user.access_keys)
    return token is None and caller.active and now >= caller.effective_from


def _may_call_iam(caller: Caller) -> bool:
    """Tell whether IAM answers: not to a session without MFA (unproven A30), nor to federated users."""
    if isinstance(caller, Session) and isinstance(caller.principal, User):
        return caller.mfa_at is not None
    return not isinstance(principal_of(caller), FederatedUser)
