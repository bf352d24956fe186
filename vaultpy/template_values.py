"""What a template is told: names, numbers and times of AWS's, checked before they stand in a policy.

Nothing that passes here can end a JSON text, begin a policy variable or a substitution of CloudFormation's,
or act as a wildcard.
"""

from __future__ import annotations

import re

from vaultpy.durations import HOUR
from vaultpy.errors import BadTemplateValue
from vaultpy.text import parse_duration, show_duration

LONGEST_MFA_AGE = 36 * HOUR
LONGEST_ROLE_SESSION = 12 * HOUR
_SHORTEST_MFA_AGE = HOUR // 4
_NAME = r"[\w+=,.@-]"
_ARN = r"arn:aws[a-z-]{0,20}:iam::(?:\d{12}|aws):policy/"

# What each kind is, how it is written, and an example.
_KINDS = {
    "account": ("the id of an account", r"\d{12}", "123456789012"),
    "action": (
        "one action without a wildcard",
        r"[a-z0-9-]{1,40}:[A-Za-z0-9]{1,80}",
        "ec2:TerminateInstances",
    ),
    "external-id": ("an external id", r"[\w+=,.@:/-]{2,1224}", "3f9a52d1c07e"),
    "group": ("the name of a group", _NAME + "{1,128}", "Engineering"),
    "partition": ("a partition", r"aws|aws-[a-z]{1,12}(?:-[a-z]{1,6})?", "aws-us-gov"),
    "policy": (
        "a policy's ARN, or the name of one of AWS's",
        f"(?:{_ARN})?(?:{_NAME}{{1,64}}/){{0,4}}{_NAME}{{1,128}}",
        "ReadOnlyAccess",
    ),
    "prefix": ("the beginning of names", _NAME + "{1,32}", "acme-"),
    "principal": (
        "the name of a user or role, with its path if it has one",
        f"(?:{_NAME}{{1,64}}/){{0,4}}{_NAME}{{1,64}}",
        "alice",
    ),
    "role": ("the name of a role", _NAME + "{1,64}", "operations"),
    # Only here without =, which divides a user's name from what the user calls further MFA devices.
    "user": ("a user's name", r"[\w+,.@-]{1,64}", "alice"),
}


def checked(option: str, kind: str, text: str) -> str:
    """Return `text` if it is of that kind; raises BadTemplateValue, which names `option`."""
    wanted, pattern, example = _KINDS[kind]
    if not re.fullmatch(pattern, text, re.ASCII):
        raise BadTemplateValue(
            option=option, value=text, wanted=wanted, remedy=f"write it as {option} {example}"
        )
    return text


def distinct(option: str, kind: str, texts: list[str]) -> list[str]:
    """Return all of `texts`, each of that kind, none of them twice: AWS knows no capitals in names.

    Raises BadTemplateValue.
    """
    seen: set[str] = set()
    for text in texts:
        if checked(option, kind, text).casefold() in seen:
            raise BadTemplateValue(
                option=option, value=text, wanted="said once", remedy="leave one of them out"
            )
        seen.add(text.casefold())
    return texts


def seconds(option: str, text: str, shortest: int, longest: int) -> int:
    """Return the seconds of a duration within limits; raises BadDuration and BadTemplateValue."""
    found = parse_duration(text)
    if not shortest <= found <= longest:
        limits = f"from {show_duration(shortest)} to {show_duration(longest)}"
        raise BadTemplateValue(option=option, value=text, wanted=limits, remedy=f"write it as {option} 8h")
    return found


def mfa_age(text: str | None) -> int | None:
    """Return the seconds of `--max-mfa-age`."""
    return None if text is None else seconds("--max-mfa-age", text, _SHORTEST_MFA_AGE, LONGEST_MFA_AGE)


def role_session(text: str) -> int:
    """Return the seconds of `--max-session`."""
    return seconds("--max-session", text, HOUR, LONGEST_ROLE_SESSION)
