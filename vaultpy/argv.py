"""The words of a verb split into options, PROFILE and CMD, for the warm path and the command line alike."""

from __future__ import annotations

import vaultpy
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = frozenset({"--help", "-h"})
CREDENTIAL_PROCESS_FLAGS = HELP | {"--direct", "--no-cache"}
CREDENTIAL_PROCESS_VALUES = frozenset(
    {"--role", "--duration", "-d", "--session-duration", "--min-ttl", "--mfa-serial", "--yubikey"},
)
EXPORT_FLAGS = CREDENTIAL_PROCESS_FLAGS
_EXPORT_AND_EXEC = CREDENTIAL_PROCESS_VALUES | {"--region", "--mfa-token", "-t"}
EXPORT_VALUES = _EXPORT_AND_EXEC | {"--format"}
EXEC_FLAGS = EXPORT_FLAGS | {"--server", "-s"}
EXEC_VALUES = _EXPORT_AND_EXEC | {"--allow-role"}
_LONG_NAMES = {"-d": "--duration", "-h": "--help", "-s": "--server", "-t": "--mfa-token"}
_OTHER_SERVERS = frozenset({"--ec2-server", "--ecs-server"})
_NO_SESSION = (
    "{word}: sessions cannot be left out, they never lie on the disk in clear; for a new one use --no-cache"
)
_DEBUG = "--debug goes before the verb: vaultpy --debug {verb} ..."


class VerbWords(Value):
    """What stood where: `options` as given and in order, `help` if one of them asked for it."""

    __slots__ = ("command", "help", "options", "profile")
    options: tuple[str, ...]
    profile: str | None
    command: tuple[str, ...]
    help: bool

    def __init__(self, options: tuple[str, ...], profile: str | None, command: tuple[str, ...]) -> None:
        self._set(options=options, profile=profile, command=command, help=not HELP.isdisjoint(options))

    def values(self) -> dict[str, str]:
        """Return the options by their long names, the last of each; flags have an empty text."""
        return dict(self._pairs())

    def every(self, name: str) -> list[str]:
        """Return all values of the option with that long name, in order."""
        return [value for option, value in self._pairs() if option == name]

    def _pairs(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        words = iter(self.options)
        for word in words:
            name, _, attached = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
            name = _LONG_NAMES.get(name, name)
            is_flag = name in EXEC_FLAGS
            found.append((name, attached if is_flag or attached or "=" in word else next(words)))
        return found


def split_words(
    words: Sequence[str], *, verb: str, flags: frozenset[str], values: frozenset[str]
) -> VerbWords:
    """Split `words`, which follow `verb`; `flags` stand alone, `values` take a value.

    Options may stand before or after PROFILE. After PROFILE, `--` or the first word that is no option begins
    CMD, and from there on nothing is touched; a `--` before PROFILE only ends the options. A lone `-` is a
    word. A value is the next word (which may be `-`, but no option), `--name=value`, or `-dvalue`.
    Raises UsageError.
    """
    options: list[str] = []
    at = 0
    profile = None
    while at < len(words):
        word = words[at]
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            taken = _option(words, at, verb, flags, values)
            options += words[at : at + taken]
            at += taken
        elif profile is None:
            profile = _profile(word, verb)
            at += 1
        else:
            break
    rest = tuple(words[at:])
    if profile is None and len(rest) > 1:
        profile, rest = _profile(rest[1], verb), rest[2:]
    if rest[:1] == ("--",):
        rest = rest[1:]
    return VerbWords(tuple(options), profile, rest)


def _profile(word: str, verb: str) -> str:
    if not word:
        raise vaultpy.errors.UsageError(problem="PROFILE is empty", command=verb)
    return word


def _option(words: Sequence[str], at: int, verb: str, flags: frozenset[str], values: frozenset[str]) -> int:
    """Return how many words the option at `at` takes: one, or two with its value."""
    word = words[at]
    long = word.startswith("--")
    name, attached = (word.partition("=")[0], "=" in word) if long else (word[:2], len(word) > 2)  # noqa: PLR2004  # "-d"
    problem = ""
    if name in {"-n", "--no-session"}:
        problem = _NO_SESSION.format(word=name)
    elif name == "--debug":
        problem = _DEBUG.format(verb=verb)
    elif name in flags:
        if not attached:
            return 1
        problem = f"{name} takes no value"
    elif name in _OTHER_SERVERS and "--server" in flags:
        problem = f"no such option: {name}; here it is --server"
    elif name not in values:
        problem = f"no such option: {name if long else word}"
    elif attached:
        return 1
    elif at + 1 < len(words) and (not words[at + 1].startswith("-") or words[at + 1] == "-"):
        return 2
    else:
        problem = f"{name} needs a value"
    raise vaultpy.errors.UsageError(problem=problem, command=verb)
