"""The questions of docs/unproven.md that AWS itself can answer, one function each, named after the number.

Each is answered `yes` (as assumed), `no` (the reverse) or `differs` (neither), with what was seen.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError
from live_account import AGE, SETTLING, with_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from live_account import Device, Keys, Live

WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code"
OUT_OF_SYNC = "MultiFactorAuthentication failed, unable to validate MFA code"
REFUSED_KEY = ("InvalidClientTokenId", "The security token included in the request is invalid")
SIGNIN = {
    "aws": "https://signin.aws.amazon.com/federation",
    "aws-cn": "https://signin.amazonaws.cn/federation",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/federation",
}
_MINUTE = 60
_QUARTER = 15 * _MINUTE
_TOKEN_ROOM = 4096
_BAD = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}


class Answer(NamedTuple):
    """`verdict` is yes, no or differs."""

    verdict: str
    seen: str = ""


def refused(call: Callable[..., object], code: str, words: str = "", **parameters: object) -> Answer:
    """Answer yes where the call is refused so, no where it is not refused at all."""
    try:
        call(**parameters)
    except ClientError as error:
        said = error.response["Error"]
        as_expected = said["Code"] == code and words in said["Message"]
        return Answer("yes") if as_expected else Answer("differs", f"{said['Code']}: {said['Message']}")
    return Answer("no", "it was not refused")


def taken(call: Callable[..., object], **parameters: object) -> Answer:
    """Answer yes where the call is carried out, no where its code is wrong or it may not be made."""
    try:
        call(**parameters)
    except ClientError as error:
        said = error.response["Error"]
        verdict = "no" if said["Code"] == "AccessDenied" else "differs"
        return Answer(verdict, f"{said['Code']}: {said['Message']}")
    return Answer("yes")


def every(answers: Mapping[str, Answer]) -> Answer:
    """Answer yes where all do; else differs, with those that do not."""
    other = {what: answer for what, answer in answers.items() if answer.verdict != "yes"}
    if not other:
        return Answer("yes")
    seen = "; ".join(f"{what}: {answer.verdict} {answer.seen}" for what, answer in other.items())
    return Answer("differs", seen)


def a1(live: Live) -> Answer:
    """Ask for how long a code is taken."""
    step = live.device.last + 1
    live.wait_for(step + 1)
    in_the_next = taken(live.sts.get_session_token, **with_code(live.device, step))
    live.wait_for(step + 3)
    live.device.last = step + 3
    after = refused(
        live.sts.get_session_token, "AccessDenied", WRONG_CODE, **with_code(live.device, step + 1)
    )
    return every({"in the next step": in_the_next, "two steps later": after})


def a2(live: Live) -> Answer:
    """Ask whether a step that has not begun is taken."""
    step = max(live.step(), live.device.last + 1)
    live.wait_for(step)
    live.device.last = step + 1
    return taken(live.sts.get_session_token, **with_code(live.device, step + 1))


def a3(live: Live) -> Answer:
    """Ask whether a code of before the last one is refused."""
    step = max(live.step(), live.device.last + 1)
    live.wait_for(step + 1)
    live.device.last = step + 1
    live.sts.get_session_token(**with_code(live.device, step + 1))
    return refused(live.sts.get_session_token, "AccessDenied", WRONG_CODE, **with_code(live.device, step))


def a4(live: Live) -> Answer:
    """Ask in which words a used code is refused."""
    code = live.mfa(live.device)
    live.sts.get_session_token(**code)
    return refused(live.sts.get_session_token, "AccessDenied", WRONG_CODE, **code)


def a5(live: Live) -> Answer:
    """Ask whether the codes that enabled a device are used."""
    device = live.mfa_device()
    return refused(live.sts.get_session_token, "AccessDenied", WRONG_CODE, **with_code(device, device.last))


def a6(live: Live) -> Answer:
    """Ask what codes of five minutes ago do."""
    device = live.virtual_device()
    late = taken(lambda: live.enable(device, live.step() - 10))
    device.last = live.step()
    if late.verdict != "yes":
        return late
    return refused(live.sts.get_session_token, "AccessDenied", OUT_OF_SYNC, **live.mfa(device))


def a7(live: Live) -> Answer:
    """Ask whether a session outlives its key's deactivation."""
    key = live.access_key()
    known_after(live, key)
    sts = live.clients.signed("sts", key)
    session = sts.get_session_token(**live.mfa(live.device))["Credentials"]
    about = {"UserName": live.name, "AccessKeyId": key["AccessKeyId"]}
    live.iam.update_access_key(**about, Status="Inactive")
    for _ in range(_MINUTE):
        if refused(sts.get_caller_identity, *REFUSED_KEY).verdict == "yes":
            break
        live.wait(1)
    live.wait(SETTLING)
    answer = refused(live.clients.signed("sts", session).get_caller_identity, *REFUSED_KEY)
    live.iam.delete_access_key(**about)
    return answer


def a9(live: Live) -> Answer:
    """Ask whether a refused AssumeRole has spent its code."""
    code = live.mfa(live.device)
    missing = {"RoleArn": live.roles["dev"] + "-missing", "RoleSessionName": "live"}
    refusal = refused(live.sts.assume_role, "AccessDenied", "not authorized", **missing, **code)
    if refusal.verdict != "yes":
        return Answer("differs", refusal.seen)
    return refused(live.sts.get_session_token, "AccessDenied", WRONG_CODE, **code)


def a10(live: Live) -> Answer:
    """Ask whether a session may send a code."""
    sts = live.clients.signed("sts", live.session())
    return taken(sts.assume_role, RoleArn=live.roles["dev"], RoleSessionName="live", **live.mfa(live.device))


def a11(live: Live) -> Answer:
    """Ask from when the age of MFA counts."""
    aged = {"RoleArn": live.roles["aged"], "RoleSessionName": "live"}
    session = live.sts.get_session_token(**live.mfa(live.device))["Credentials"]
    sts = live.clients.signed("sts", session)
    young = taken(sts.assume_role, **aged)
    live.wait(AGE + 5)
    old = refused(sts.assume_role, "AccessDenied", "not authorized to perform: sts:AssumeRole", **aged)
    direct = taken(live.sts.assume_role, **aged, **live.mfa(live.device))
    return every({"young": young, "old": old, "direct": direct})


def a12(live: Live) -> Answer:
    """Ask how long a new key takes to be known."""
    key = live.access_key()
    seconds = known_after(live, key)
    live.iam.delete_access_key(UserName=live.name, AccessKeyId=key["AccessKeyId"])
    return Answer("yes" if seconds < _MINUTE else "no", f"{seconds} s")


def a13(live: Live) -> Answer:
    """Ask for more than an hour with a session."""
    sts = live.clients.signed("sts", live.session())
    role = {"RoleArn": live.roles["dev"], "RoleSessionName": "live", "DurationSeconds": 3601}
    return refused(sts.assume_role, "ValidationError", "1 hour session limit", **role)


def a14(live: Live) -> Answer:
    """Hear STS's refusals."""
    ask, session = live.sts.get_session_token, live.clients.signed("sts", live.session())
    serial = live.device.serial
    wrong = live.clients.signed("sts", live.key | {"SecretAccessKey": "wrong"})
    nobody = live.clients.signed("sts", live.key | {"AccessKeyId": "AKIA" + "A" * 16})
    plain = {"RoleArn": live.roles["dev"], "RoleSessionName": "live"}
    long = plain | {"DurationSeconds": 7201} | live.mfa(live.device)
    denied, no_match = "AccessDenied", "SignatureDoesNotMatch"
    unsuited = "The requested DurationSeconds exceeds the MaxSessionDuration"
    return every(
        {
            "serial": refused(ask, denied, OUT_OF_SYNC, SerialNumber=serial + "x", TokenCode="000000"),
            "half": refused(ask, denied, "must provide both MFA serial number", SerialNumber=serial),
            "by a session": refused(session.get_session_token, denied, "with session credentials"),
            "no MFA": refused(live.sts.assume_role, denied, "not authorized to perform: sts:Ass", **plain),
            "too long": refused(live.sts.assume_role, "ValidationError", unsuited, **long),
            "secret": refused(wrong.get_caller_identity, no_match, "The request signature we calculated"),
            "nobody's key": refused(nobody.get_caller_identity, *REFUSED_KEY),
        }
    )


def a15(live: Live) -> Answer:
    """Hear IAM's refusals."""
    user, serial = {"UserName": live.name}, {"SerialNumber": live.virtual_device().serial}
    enable = live.iam.enable_mfa_device
    second = live.access_key()
    third = refused(live.iam.create_access_key, "LimitExceeded", "AccessKeysPerUser", **user)
    live.iam.delete_access_key(**user, AccessKeyId=second["AccessKeyId"])
    return every(
        {
            "codes": refused(enable, "InvalidAuthenticationCode", **user, **serial, **_BAD),
            "not enabled": refused(live.iam.deactivate_mfa_device, "NoSuchEntity", **user, **serial),
            "in use": refused(
                live.iam.delete_virtual_mfa_device, "DeleteConflict", SerialNumber=live.device.serial
            ),
            "third key": third,
        }
    )


def a16(live: Live) -> Answer:
    """Ask who may have a federated user, and whether a policy that wants MFA forbids it."""
    by_a_session = refused(
        live.clients.signed("sts", live.session()).get_federation_token, "AccessDenied", Name="live"
    )
    by_a_key = taken(live.sts.get_federation_token, Name="live")
    without_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    statement = {"Effect": "Deny", "Action": ["sts:GetFederationToken"], "Resource": "*"}
    live.policy("not-without-mfa", statement | {"Condition": without_mfa})
    live.wait(SETTLING)
    denied = refused(live.sts.get_federation_token, "AccessDenied", Name="live")
    live.iam.delete_user_policy(UserName=live.name, PolicyName="not-without-mfa")
    return every({"by a session": by_a_session, "by a key": by_a_key, "denied without MFA": denied})


def a17(live: Live) -> Answer:
    """Look for the Date of what nobody signed."""
    try:
        live.clients.unsigned("sts").get_caller_identity()
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        return Answer("yes" if headers.get("date") else "no", headers.get("date", ""))
    return Answer("differs", "it was answered")


def a19(live: Live) -> Answer:
    """Ask sign-in for tokens that it should refuse."""
    role = {"RoleArn": live.roles["dev"], "RoleSessionName": "live"}
    chained = live.clients.signed("sts", live.session()).assume_role(**role)["Credentials"]
    return every(
        {
            "a role": Answer("yes") if _signin(live, chained) else Answer("no"),
            "a user's session": Answer("no") if _signin(live, live.session()) else Answer("yes"),
            "a chained role's SessionDuration": Answer("no")
            if _signin(live, chained, SessionDuration="3600")
            else Answer("yes"),
        }
    )


def a20(live: Live) -> Answer:
    """Sign with clocks that are off."""

    def off(seconds: float) -> Callable[..., object]:
        ask: Callable[..., object] = live.clients.signed("sts", live.key, seconds).get_caller_identity
        return ask

    no_match = "SignatureDoesNotMatch"
    return every(
        {
            "14 minutes behind": taken(off(_MINUTE - _QUARTER)),
            "16 minutes behind": refused(off(-_MINUTE - _QUARTER), no_match, "Signature expired: "),
            "16 minutes ahead": refused(off(_MINUTE + _QUARTER), no_match, "Signature not yet current: "),
        }
    )


def a21(live: Live) -> Answer:
    """Sign with a wrong secret by a wrong clock."""
    wrong = live.clients.signed("sts", live.key | {"SecretAccessKey": "wrong"}, -_MINUTE - _QUARTER)
    return refused(wrong.get_caller_identity, "SignatureDoesNotMatch", "Signature expired: ")


def a22(live: Live) -> Answer:
    """Measure a session token."""
    length = len(live.session()["SessionToken"])
    return Answer("yes" if length < _TOKEN_ROOM else "no", f"{length} characters")


def a23(live: Live) -> Answer:
    """Make two devices whose names differ in their capitals."""
    live.virtual_device("capitals")
    return refused(lambda: live.virtual_device("CAPITALS"), "EntityAlreadyExists")


def a24(live: Live) -> Answer:
    """Enable what is enabled, with wrong codes."""
    about = {"UserName": live.name, "SerialNumber": live.device.serial}
    return refused(live.iam.enable_mfa_device, "EntityAlreadyExists", **about, **_BAD)


def a27(live: Live) -> Answer:
    """Take an inherited tag into a role that allows none."""
    tags = {"Tags": [{"Key": "live", "Value": "1"}], "TransitiveTagKeys": ["live"]}
    dev = {"RoleArn": live.roles["dev"], "RoleSessionName": "live"}
    tagged = live.clients.signed("sts", live.session()).assume_role(**dev, **tags)["Credentials"]
    plain = {"RoleArn": live.roles["plain"], "RoleSessionName": "live"}
    return refused(live.clients.signed("sts", tagged).assume_role, "AccessDenied", "sts:TagSession", **plain)


def a28(live: Live) -> Answer:
    """Ask who one is, where that is denied."""
    actions = ["sts:GetCallerIdentity", "iam:ListAccessKeys"]
    live.policy("nothing", {"Effect": "Deny", "Action": actions, "Resource": "*"})
    live.wait(SETTLING)
    denied = refused(live.clients.signed("iam", live.key).list_access_keys, "AccessDenied")
    answer = every({"denied": denied, "who": taken(live.sts.get_caller_identity)})
    live.iam.delete_user_policy(UserName=live.name, PolicyName="nothing")
    live.wait(SETTLING)
    return answer


def a30(live: Live) -> Answer:
    """Ask IAM with a session that was made without MFA."""
    iam = live.clients.signed("iam", live.session(mfa=False))
    return refused(iam.list_access_keys, *REFUSED_KEY, UserName=live.name)


def a31(live: Live) -> Answer:
    """Ask IAM with a session for the keys of nobody in particular."""
    iam = live.clients.signed("iam", live.session())
    return refused(iam.list_access_keys, "ValidationError", "Must specify userName")


def a33(live: Live, codes_of_the_key: Callable[[bytes, int], tuple[str, str]]) -> Answer:
    """Enable a device by two codes that a YubiKey makes of its seed for two steps."""
    device: Device = live.virtual_device()
    first, second = codes_of_the_key(device.seed, live.step() - 1)
    return taken(
        live.iam.enable_mfa_device,
        UserName=live.name,
        SerialNumber=device.serial,
        AuthenticationCode1=first,
        AuthenticationCode2=second,
    )


QUESTIONS = {
    name.upper(): ask
    for name, ask in list(globals().items())
    if name[0] == "a" and name[1:].isdecimal() and ask is not a33
}


def known_after(live: Live, key: Keys) -> int:
    """Wait until a new key is known, for a minute at most; return how many seconds that took."""
    began = live.clock()
    sts = live.clients.signed("sts", key)
    while live.clock() - began < _MINUTE and taken(sts.get_caller_identity).verdict != "yes":
        live.wait(1)
    return round(live.clock() - began)


def _signin(live: Live, keys: Keys, **more: str) -> bool:
    """Tell whether sign-in gives a token for these credentials."""
    names = {"sessionId": "AccessKeyId", "sessionKey": "SecretAccessKey", "sessionToken": "SessionToken"}
    session = json.dumps({name: keys[theirs] for name, theirs in names.items()})
    form = urllib.parse.urlencode({"Action": "getSigninToken", "Session": session, **more}).encode()
    url = live.clients.signin or SIGNIN[live.partition]
    try:
        with urllib.request.urlopen(url, form, timeout=20) as answer:  # noqa: S310  # of our own making
            return "SigninToken" in json.load(answer)
    except urllib.error.HTTPError:
        return False
