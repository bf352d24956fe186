"""What AWS would say to a request: identity and trust policies, judged as its documentation has it.

As far as IAM itself goes: no boundaries, session policies or policies of an organization, and no sets in
conditions. An element or operator that is not known here is an error, and never passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Json = dict[str, Any]

ELEMENTS = {
    *("Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}
WILD = {"*": ".*", "?": "."}
LITERAL = {"*", "?", "$"}
"""What stands for itself as `${*}`."""

VARIABLE = re.compile(r"\$\{([^}]*)\}")
UNCONDITIONAL = "sts:GetCallerIdentity"
"""Needs no permission, and no Deny takes it away."""

WITHOUT_PERMISSION = "sts:GetSessionToken"
"""Needs no permission, but can be denied."""


class WithoutValue(Exception):  # noqa: N818  # what happened is its name
    """A policy variable has no value in this request, which makes its statement invalid."""


@dataclass(frozen=True)
class Caller:
    """Who signs: a user, or the session of a role, as `arn:...:role/NAME`.

    `context` is what the credentials say of themselves, by AWS's names of condition keys.
    """

    arn: str
    policies: tuple[Json, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account's id."""
        return self.arn.split(":")[4]

    @property
    def variables(self) -> dict[str, str]:
        """All keys of its requests."""
        kind, _, name = self.arn.split(":", 5)[5].partition("/")
        own = {"aws:PrincipalArn": self.arn, "aws:PrincipalAccount": self.account}
        if kind == "user":
            own["aws:username"] = name.rpartition("/")[2]
        return {**own, **self.context}


# ---- requests ----------------------------------------------------------------------------------------


def allowed(caller: Caller, action: str, resource: str, **extra: str) -> bool:
    """Tell whether the identity policies allow it; `extra` are more keys, `__` for their colon."""
    if action == UNCONDITIONAL:
        return True
    effects = set(_effects(caller.policies, caller, action, resource, extra))
    return "Deny" not in effects and ("Allow" in effects or action == WITHOUT_PERMISSION)


def may_assume(
    caller: Caller, role: str, trust: Json, *, action: str = "sts:AssumeRole", **extra: str
) -> bool:
    """Tell whether the caller may assume a role that has this trust policy.

    The trust policy has to allow it. Where it names the caller itself in the same account, that is enough;
    where it names an account, or another account's, the caller's own policies have to allow it too.
    """
    own = set(_effects(caller.policies, caller, action, role, extra))
    named, account = set[str](), set[str]()
    context = _context(caller, extra)
    for statement in _statements(trust):
        match = _principal(statement, caller)
        if match and _applies(statement, action, None, context):
            (named if match == "named" else account).add(statement["Effect"])
    if "Deny" in own | named | account:
        return False
    same = role.split(":")[4] == caller.account
    return ("Allow" in named and same) or ("Allow" in named | account and "Allow" in own)


def _effects(
    policies: tuple[Json, ...], caller: Caller, action: str, resource: str, extra: Mapping[str, str]
) -> Iterator[str]:
    context = _context(caller, extra)
    for policy in policies:
        for statement in _statements(policy):
            assert "Principal" not in statement, "an identity policy names nobody"
            assert ("Resource" in statement) != ("NotResource" in statement)
            if _applies(statement, action, resource, context):
                yield statement["Effect"]


def _context(caller: Caller, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of a request, whose case does not matter."""
    keys = {**caller.variables, **{name.replace("__", ":", 1): text for name, text in extra.items()}}
    return {name.lower(): text for name, text in keys.items()}


def _statements(policy: Json) -> list[Json]:
    assert set(policy) == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17", "older ones know no variables"
    statements = _list(policy["Statement"])
    for statement in statements:
        assert set(statement) <= ELEMENTS, statement
        assert statement["Effect"] in {"Allow", "Deny"}
        assert ("Action" in statement) != ("NotAction" in statement)
        assert all(_bare(operator) in {*OPERATORS, "Null"} for operator in statement.get("Condition", {}))
    return statements


# ---- statements --------------------------------------------------------------------------------------


def _applies(statement: Json, action: str, resource: str | None, context: Mapping[str, str]) -> bool:
    """Tell whether the statement is about this request; a trust policy's has no resource."""
    try:
        return (
            _action(statement, action)
            and (resource is None or _resource(statement, resource, context))
            and all(
                _condition(operator, key, _list(values), context)
                for operator, tests in statement.get("Condition", {}).items()
                for key, values in tests.items()
            )
        )
    except WithoutValue:
        return False


def _action(statement: Json, action: str) -> bool:
    patterns = _list(statement.get("Action", statement.get("NotAction")))
    found = any(_like(pattern.lower(), action.lower()) for pattern in patterns)
    return found == ("Action" in statement)


def _resource(statement: Json, resource: str, context: Mapping[str, str]) -> bool:
    patterns = [
        _pattern(text, context) for text in _list(statement.get("Resource", statement.get("NotResource")))
    ]
    found = any(_arn_like(pattern, resource) for pattern in patterns)
    return found == ("Resource" in statement)


def _principal(statement: Json, caller: Caller) -> str:
    """Return how a trust policy's statement means the caller: `named`, `account`, or not at all."""
    assert set(statement["Principal"]) == {"AWS"}, "services and providers are not known here"
    wanted = _list(statement["Principal"]["AWS"])
    assert not any("*" in each for each in wanted)
    partition = caller.arn.split(":")[1]
    if caller.arn in wanted:
        return "named"
    root = f"arn:{partition}:iam::{caller.account}:root"
    return "account" if {root, caller.account} & set(wanted) else ""


# ---- conditions --------------------------------------------------------------------------------------


def _condition(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    """Tell whether one key passes: with any of `wanted`, or a negated operator with none of them."""
    value = context.get(key.lower())
    if operator == "Null":
        return [value is None] == [text == "true" for text in wanted]
    negated = "Not" in operator
    test = OPERATORS[_bare(operator)]
    if value is None:
        return negated or operator.endswith("IfExists")
    return negated != any(test(text, value, context) for text in wanted)


def _bare(operator: str) -> str:
    return operator.removesuffix("IfExists").replace("Not", "")


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str, Mapping[str, str]], bool]:
    return lambda wanted, value, _: compare(float(value), float(wanted))


@cache
def _arn_like(pattern: str, arn: str) -> bool:
    """Compare ARNs segment by segment: no wildcard reaches over one of the first five colons."""
    if pattern == ".*":
        return True
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(found) and all(
        re.fullmatch(*pair, re.DOTALL) for pair in zip(wanted, found, strict=True)
    )


OPERATORS: dict[str, Callable[[str, str, Mapping[str, str]], bool]] = {
    "ArnEquals": lambda wanted, value, context: _arn_like(_pattern(wanted, context), value),
    "ArnLike": lambda wanted, value, context: _arn_like(_pattern(wanted, context), value),
    "Bool": lambda wanted, value, _: wanted.lower() == value.lower(),
    "NumericEquals": _numeric(lambda value, wanted: value == wanted),
    "NumericGreaterThan": _numeric(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _numeric(lambda value, wanted: value >= wanted),
    "NumericLessThan": _numeric(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _numeric(lambda value, wanted: value <= wanted),
    "StringEquals": lambda wanted, value, context: _plain(wanted, context) == value,
    "StringEqualsIgnoreCase": lambda wanted, value, context: _plain(wanted, context).lower() == value.lower(),
    "StringLike": lambda wanted, value, context: bool(
        re.fullmatch(_pattern(wanted, context), value, re.DOTALL)
    ),
}


# ---- patterns ----------------------------------------------------------------------------------------


@cache
def _like(pattern: str, text: str) -> bool:
    return bool(re.fullmatch("".join(WILD.get(c, re.escape(c)) for c in pattern), text))


def _pattern(text: str, context: Mapping[str, str]) -> str:
    """Return a regular expression; what a variable stands for is no wildcard. Raises WithoutValue."""
    parts = VARIABLE.split(text)
    plain = ("".join(WILD.get(c, re.escape(c)) for c in part) for part in parts[::2])
    values = [re.escape(_value(name, context)) for name in parts[1::2]]
    return "".join(part + value for part, value in zip(plain, [*values, ""], strict=True))


def _plain(text: str, context: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: _value(found[1], context), text)


def _value(name: str, context: Mapping[str, str]) -> str:
    if name in LITERAL:
        return name
    if name.lower() not in context:
        raise WithoutValue(name)
    return context[name.lower()]


def _list(value: Any) -> list[Any]:  # noqa: ANN401  # any part of a JSON document
    return value if isinstance(value, list) else [value]
