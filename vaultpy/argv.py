"""The words of `exec` split into options, PROFILE and CMD, for the warm path and the command line alike."""

from __future__ import annotations

from vaultpy.errors import UsageError
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = frozenset({"--help", "-h"})
EXEC_FLAGS = HELP | {"--direct", "--no-cache"}
EXEC_VALUES = frozenset(
    {"--duration", "-d", "--region", "--mfa-token", "-t", "--mfa-serial", "--yubikey"},
)
_LONG_NAMES = {"-d": "--duration", "-h": "--help", "-t": "--mfa-token"}
_NO_SESSION = "{word}: sessions cannot be left out, they live in memory only; for a new one use --no-cache"


_DEBUG = "--debug goes before the verb: vaultpy --debug exec ..."


class ExecWords(Value):
    """What stood where: `options` as given and in order, `help` if one of them asked for it."""

    __slots__ = ("command", "help", "options", "profile")
    options: tuple[str, ...]
    profile: str | None
    command: tuple[str, ...]
    help: bool

    def __init__(self, options: tuple[str, ...], profile: str | None, command: tuple[str, ...]) -> None:
        self._set(options=options, profile=profile, command=command, help=not HELP.isdisjoint(options))

    def values(self) -> dict[str, str]:
        """Return the options of `exec` by their long names, the last of each; flags have an empty text."""
        found: dict[str, str] = {}
        words = iter(self.options)
        for word in words:
            name, _, attached = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
            name = _LONG_NAMES.get(name, name)
            is_flag = name in EXEC_FLAGS
            found[name] = attached if is_flag or attached or "=" in word else next(words)
        return found


def split_exec(words: Sequence[str], *, flags: frozenset[str], values: frozenset[str]) -> ExecWords:
    """Split `words`, which follow `exec`; `flags` stand alone, `values` take a value.

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
            taken = _option(words, at, flags, values)
            options += words[at : at + taken]
            at += taken
        elif profile is None:
            profile = _profile(word)
            at += 1
        else:
            break
    rest = tuple(words[at:])
    if profile is None and len(rest) > 1:
        profile, rest = _profile(rest[1]), rest[2:]
    if rest[:1] == ("--",):
        rest = rest[1:]
    return ExecWords(tuple(options), profile, rest)


def _profile(word: str) -> str:
    if not word:
        raise _usage("PROFILE is empty")
    return word


def _option(words: Sequence[str], at: int, flags: frozenset[str], values: frozenset[str]) -> int:
    """Return how many words the option at `at` takes: one, or two with its value."""
    word = words[at]
    long = word.startswith("--")
    name, attached = (word.partition("=")[0], "=" in word) if long else (word[:2], len(word) > 2)  # noqa: PLR2004  # "-d"
    if name in {"-n", "--no-session"}:
        raise _usage(_NO_SESSION.format(word=name))
    if name == "--debug":
        raise _usage(_DEBUG)
    if name in flags:
        if attached:
            raise _usage(f"{name} takes no value")
        return 1
    if name not in values:
        raise _usage(f"no such option: {name if long else word}")
    if attached:
        return 1
    if at + 1 == len(words) or (words[at + 1].startswith("-") and words[at + 1] != "-"):
        raise _usage(f"{name} needs a value")
    return 2


def _usage(problem: str) -> UsageError:
    return UsageError(problem=problem, command="exec")
