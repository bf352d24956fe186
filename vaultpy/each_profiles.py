"""The profiles that `each` is about: from patterns and names to plans. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.plan import make_plan
from vaultpy.text import near
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.plan import Options, Plan

_WILD = "*?["
_LARGEST_LIST = 10_000


class Target(Value):
    """One profile, with its plan and the variables of its settings, or what keeps it from having them."""

    __slots__ = ("failure", "name", "plan", "settings")
    name: str
    plan: Plan | None
    settings: Mapping[str, str]
    failure: errors.VaultpyError | None

    def __init__(
        self,
        name: str,
        plan: Plan | None,
        settings: Mapping[str, str],
        failure: errors.VaultpyError | None = None,
    ) -> None:
        self._set(name=name, plan=plan, settings=settings, failure=failure)


def listed_names(text: str, where: str) -> list[str]:
    """Return the names in `text`, one a line; what follows `#` at a line's begin is a comment.

    Raises UsageError where there is none.
    """
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    if not names or len(names) > _LARGEST_LIST:
        problem = "names no profile" if not names else f"names more than {_LARGEST_LIST} profiles"
        raise errors.UsageError(problem=f"--profiles-from {where} {problem}", command="each")
    return names


def matching(config: Config, patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of the profiles that `patterns` mean, and those that match but have no role.

    A pattern is a name in full, which means any profile, or has wildcards (`*`, `?`, `[...]`; the case of
    letters counts), and means those with a role: neither IAM users nor profiles in which SDKs ask vaultpy.
    Raises NoProfileMatches.
    """
    known = config.names()
    taken: dict[str, None] = {}
    passed_over: dict[str, None] = {}
    for pattern in patterns:
        if pattern in known or not any(sign in pattern for sign in _WILD):
            taken[pattern] = None
            continue
        matches = [name for name in known if fnmatchcase(name, pattern)]
        roles = [name for name in matches if _has_role(config, name)]
        if not roles:
            raise _nothing(config, pattern, matches)
        taken |= dict.fromkeys(roles)
        passed_over |= dict.fromkeys(matches)
    return list(taken), [name for name in passed_over if name not in taken]


def _has_role(config: Config, name: str) -> bool:
    """Tell it; of a profile that cannot be read, whoever makes its plan tells what is wrong."""
    try:
        profile = config.profile(name)
    except errors.VaultpyError:
        return True
    return bool(profile.role_arn or profile.settings.get("sso_role_name"))


def _nothing(config: Config, pattern: str, matches: list[str]) -> errors.NoProfileMatches:
    stem = "".join(sign for sign in pattern if sign not in "*?[]!")
    beginnings = {name[: len(stem)]: name for name in reversed(config.names())}
    likely = near(stem, config.names()) or [beginnings[it] for it in near(stem, list(beginnings))]
    if matches:
        remedy = f"a profile without a role is named in full: vaultpy each {matches[0]} -- CMD"
    elif likely:
        remedy = f"did you mean {' or '.join(likely)}?"
    else:
        remedy = "see which profiles there are: vaultpy list"
    what = "profile with a role" if matches else "profile"
    return errors.NoProfileMatches(pattern=pattern, what=what, path=config.path, remedy=remedy)


def targets(
    config: Config, index: Index, names: Sequence[str], options: Options, environ: Mapping[str, str]
) -> list[Target]:
    """Return what is to be run, in this order; a plan that cannot be made is its target's failure."""
    found = []
    for name in names:
        try:
            plan = make_plan(config, index, name, options, environ)
            found.append(Target(name, plan, config.child_settings(plan.profile)))
        except errors.VaultpyError as failure:  # noqa: PERF203  # each has its own
            found.append(Target(name, None, {}, failure))
    return found
