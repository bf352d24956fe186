"""The parameters of a call in AWS's query protocol, checked as AWS's API models say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vaultpy.simulated.aws_errors import validation_error

NAME = r"[\w+=,.@-]*"
SERIAL_NUMBER = r"[\w+=/:,.@-]*"
EXTERNAL_ID = r"[\w+=,.@:\/-]*"
TOKEN_CODE = r"[\d]*"  # noqa: S105  # a pattern


@dataclass(frozen=True)
class Parameters:
    """A call's parameters by their names on the wire, lists as `Tags.member.1.Key`."""

    values: dict[str, str]

    def text(self, name: str, minimum: int, maximum: int, pattern: str = r"[\s\S]*") -> str | None:
        """Return a text of so many characters that fits `pattern`, None if it was not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if len(value) < minimum:
            raise _unfit(value, name, f"have length greater than or equal to {minimum}")
        if len(value) > maximum:
            raise _unfit(value, name, f"have length less than or equal to {maximum}")
        if not re.fullmatch(pattern, value, re.ASCII):
            raise _unfit(value, name, f"satisfy regular expression pattern: {pattern}")
        return value

    def required(self, name: str, minimum: int, maximum: int, pattern: str = r"[\s\S]*") -> str:
        """Return a text as `text` does; raises AwsError if it was not given."""
        value = self.text(name, minimum, maximum, pattern)
        if value is None:
            raise validation_error(
                f"1 validation error detected: Value null at '{_member(name)}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Return one of `choices`; raises AwsError if it was not given and has no default."""
        value = self.values.get(name, default)
        if value is None:
            return self.required(name, 1, 1)
        if value not in choices:
            raise _unfit(value, name, f"satisfy enum value set: [{', '.join(choices)}]")
        return value

    def integer(self, name: str, minimum: int, maximum: int) -> int | None:
        """Return a number of `minimum` to `maximum`, None if it was not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
            raise validation_error(f"{value} is not a valid value for {name}")
        if int(value) < minimum:
            raise _unfit(value, name, f"have value greater than or equal to {minimum}")
        if int(value) > maximum:
            raise _unfit(value, name, f"have value less than or equal to {maximum}")
        return int(value)

    def members(self, name: str) -> list[Parameters]:
        """Return the list `name`; a member that is a plain text stands under the empty name."""
        found: dict[int, dict[str, str]] = {}
        for key, value in self.values.items():
            member = re.fullmatch(rf"{name}\.member\.(\d+)\.?(\w*)", key, re.ASCII)
            if member:
                found.setdefault(int(member[1]), {})[member[2]] = value
        return [Parameters(found[number]) for number in sorted(found)]


def _member(name: str) -> str:
    return name[:1].lower() + name[1:]


def _unfit(value: str, name: str, constraint: str) -> Exception:
    return validation_error(
        f"1 validation error detected: Value '{value}' at '{_member(name)}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )
