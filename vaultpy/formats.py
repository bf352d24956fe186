"""What `export` prints: variables in the words of a shell, or credentials as a file has them. Pure.

Whoever a format is made for reads back exactly the values, and runs none of them. What its reader could not
take back is refused, with its name alone: a value may be a secret.
"""

from __future__ import annotations

from vaultpy.errors import Unexportable
from vaultpy.profile import is_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vaultpy.credentials import Credentials

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")
# What every reader of KEY=VALUE files takes as it stands, docker's --env-file too, which knows no quotes.
_PLAIN = _LETTERS | _DIGITS | frozenset("_-+=/.:,@%")
_NO_HEADER = "it has a bracket or a control character in it, or blanks around it"
_NO_SETTING = "it has a control character in it, or blanks around it"
# In PowerShell's grammar each of these begins and ends a verbatim string, and two of them mean one.
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


def shell_script(
    format_name: str, profile: str, values: Mapping[str, str], unwanted: Iterable[str] = ()
) -> str:
    """Return a line for each of `unwanted`, which takes that variable out, and for each of `values`.

    `format_name` is one of `SHELLS`. In the lines of `env` and `fish` the variable's name is where
    `shell_init` looks for it. Raises Unexportable for a name that no shell takes, and for a value that is not
    one line.
    """
    take_out, put_in = SHELLS[format_name]
    for name, value in values.items():
        _check(format_name, profile, name, value)
    lines = [take_out(name) for name in unwanted if is_variable(name)]
    lines += [put_in(name, value) for name, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def dotenv(profile: str, values: Mapping[str, str]) -> str:
    """Return a line `NAME=VALUE` for each variable.

    A value of other than plain characters stands in single quotes, in which some readers take backslashes,
    quotes and dollars for signs (python-dotenv puts variables in), and others do not. So those raise
    Unexportable, as does what `shell_script` refuses.
    """
    lines = []
    for name, value in values.items():
        _check("dotenv", profile, name, value)
        plain = _PLAIN.issuperset(value)
        if any(mark in value for mark in "'\\$"):
            raise _refusal("dotenv", profile, name, "it has a quote, a backslash or a dollar sign in it")
        lines.append(f"{name}={value}\n" if plain else f"{name}='{value}'\n")
    return "".join(lines)


def ini_section(profile: str, credentials: Credentials, region: str | None) -> str:
    """Return the section of AWS's credentials file that makes `credentials` the profile of that name.

    Raises Unexportable for a name that no header can hold, or that means something else in one.
    """
    if profile != profile.strip() or not is_line(profile) or "]" in profile:
        raise _refusal("ini", profile, "the profile's name", _NO_HEADER)
    if profile == "DEFAULT":
        raise _refusal("ini", profile, "the name DEFAULT", "it stands for every section")
    settings = {
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key.reveal(),
        "aws_session_token": credentials.session_token.reveal(),
    }
    if region:
        settings["region"] = region
    for key, value in settings.items():
        if not is_line(value) or value != value.strip():
            raise _refusal("ini", profile, key, _NO_SETTING)
    return f"[{profile}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())


def is_variable(name: str) -> bool:
    """Tell whether every shell takes `name` for a variable's."""
    return bool(name) and name[0] not in _DIGITS and (_LETTERS | _DIGITS | {"_"}).issuperset(name)


def _check(format_name: str, profile: str, name: str, value: str) -> None:
    if not is_variable(name):
        raise _refusal(format_name, profile, f"the variable {name}", "no shell takes such a name")
    if not is_line(value):
        raise _refusal(format_name, profile, name, "it has a control character in it")


def _refusal(format_name: str, profile: str, what: str, reason: str) -> Unexportable:
    return Unexportable(format=format_name, profile=profile, what=what, reason=reason)


# ---- the words of the shells ----------------------------------------------------------------------------


def _posix(name: str, value: str) -> str:
    quoted = value.replace("'", "'\\''")
    return f"export {name}='{quoted}'"


def _fish(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'"


def _fish_without(name: str) -> str:
    # A universal variable belongs to all of the user's shells, and nothing hides it from a command in one.
    words = f"vaultpy: warning: universal variable {name} leads past the role; erase it: set -eU {name}"
    return f"set -eg {name}; if set -qUx {name}; echo '{words}' >&2; end"


def _powershell(name: str, value: str) -> str:
    quoted = "".join(c * 2 if c in _POWERSHELL_QUOTES else c for c in value)
    return f"$env:{name} = '{quoted}'"


SHELLS: dict[str, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    "env": (lambda name: f"unset {name}", _posix),
    "fish": (_fish_without, _fish),
    "powershell": (lambda name: f"$env:{name} = $null", _powershell),
}
"""How each takes a variable out, and puts one in."""
