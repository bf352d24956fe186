"""What AssumeRole and GetFederationToken may pack into a session: policies and tags."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaultpy.simulated import aws_errors as errors

if TYPE_CHECKING:
    from vaultpy.simulated.aws_parameters import Parameters
    from vaultpy.simulated.aws_sessions import Session

LONGEST_POLICY = 2048
MOST_POLICY_ARNS = 10
MOST_TAGS = 50
TAG_TEXT = r"[\w .:/=+\-@]*"  # of the separators the space alone
TAG_TEXT_IN_WORDS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"
PACKED_ROOM = 4096  # characters; AWS packs with a compression of its own and publishes the percentage only


@dataclass(frozen=True)
class SessionPolicies:
    """Policies and tags, the inherited ones too."""

    policy: str | None
    policy_arns: tuple[str, ...]
    tags: dict[str, str]
    transitive_tag_keys: frozenset[str]

    @property
    def packed_percent(self) -> int | None:
        """How much of their room policies and tags take, None if there are none."""
        parts = [self.policy or "", *self.policy_arns, *self.tags, *self.tags.values()]
        size = sum(len(part) for part in parts)
        return -(-100 * size // PACKED_ROOM) or None


def session_policies(parameters: Parameters, inherited: Session | None = None) -> SessionPolicies:
    """Read policies and tags; `inherited` is the session that asks: its transitive tags stay."""
    policy = parameters.text("Policy", 1, LONGEST_POLICY)
    if policy is not None:
        _check_policy(policy)
    policy_arns = tuple(member.required("arn", 20, 2048) for member in parameters.members("PolicyArns"))
    if len(policy_arns) > MOST_POLICY_ARNS:
        raise errors.validation_error("The requested number of session policy ARNs exceeds the limit of 10.")
    asked = _tags(parameters)
    kept = {key: inherited.tags[key] for key in inherited.transitive_tag_keys} if inherited else {}
    wanted = {member.required("", 1, 128).casefold() for member in parameters.members("TransitiveTagKeys")}
    transitive = frozenset(key for key in asked if key.casefold() in wanted)
    if len(transitive) < len(wanted):
        raise errors.invalid_parameter_value(
            "The specified transitive tag key must be included in the requested tags."
        )
    if {key.casefold() for key in asked} & {key.casefold() for key in kept}:
        raise errors.invalid_parameter_value(
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session."
        )
    policies = SessionPolicies(policy, policy_arns, kept | asked, transitive | frozenset(kept))
    if (policies.packed_percent or 0) > 100:  # noqa: PLR2004  # percent
        raise errors.packed_policy_too_large(policies.packed_percent or 0)
    return policies


def _check_policy(policy: str) -> None:
    try:
        document = json.loads(policy)
    except ValueError:
        raise errors.malformed_policy() from None
    if not isinstance(document, dict):
        raise errors.malformed_policy()


def _tags(parameters: Parameters) -> dict[str, str]:
    members = parameters.members("Tags")
    if len(members) > MOST_TAGS:
        raise errors.validation_error("The requested number of session tags exceeds the limit of 50.")
    tags = {member.required("Key", 1, 128): member.required("Value", 0, 256) for member in members}
    for text in (*tags, *tags.values()):
        if not re.fullmatch(TAG_TEXT, text):
            raise errors.validation_error(
                f"1 validation error detected: Value '{text}' at 'tags' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {TAG_TEXT_IN_WORDS}"
            )
    if len({key.casefold() for key in tags}) < len(members):
        raise errors.invalid_parameter_value(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    return tags
