"""What `write` does: temporary credentials into AWS's credentials file, for what can read them nowhere else.

The one place where vaultpy leaves something in clear. Only the file is looked at first: what `write` itself
put there serves until too little is left of it, also after a restart, which no session outlives.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from shlex import quote

from vaultpy import errors
from vaultpy.config import CREDENTIALS_FILE, decode, read_bytes
from vaultpy.config_edit import check_name, edit
from vaultpy.credentials_section import end_of, settings_of, with_settings
from vaultpy.digests import digest
from vaultpy.execution import asked, obtain
from vaultpy.plan import make_plan
from vaultpy.sdk_profiles import source_key
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.plan import Plan
    from vaultpy.wiring import Wiring

VERB = "write"
_OTHERS = 0o077
_PRIVATE = 0o600


class Written(Value):
    """What stands in section `name` of the file at `path` now, until when, and whether it is `new`.

    `narrowed` tells that others could read the file before. `expiration` is an epoch, in seconds.
    """

    __slots__ = ("expiration", "name", "narrowed", "new", "path")
    path: str
    name: str
    expiration: int
    new: bool
    narrowed: bool

    def __init__(self, path: str, name: str, expiration: int, *, new: bool, narrowed: bool = False) -> None:
        self._set(path=path, name=name, expiration=expiration, new=new, narrowed=narrowed)


def write(run: Wiring, profile: str, options: Mapping[str, str], to: str | None) -> Written:
    """Write credentials of `profile` into section `to`, else its own, if too little is left there.

    `options` are those of `exec` by their long names. What can be known before a touch is raised before it:
    UsageError, NameInUse, BadProfileName, LongTermKeyThere, CredentialsUnwritable, ConfigMalformed, and what
    making a plan raises.
    """
    wish = asked(options, VERB)
    plan = make_plan(run.config, run.index, profile, wish, run.environ)
    name, path = to or profile, run.credentials_path()
    if wish.role and to is None:
        problem = f"--role needs --to NAME: {profile} is the name of the user's own keys"
        raise errors.UsageError(problem=problem, command=VERB)
    check_name(name)
    _check_place(run.config, profile, name)
    session = digest(plan.question(len(plan.requests)))
    text = decode(read_bytes(path, CREDENTIALS_FILE), path, CREDENTIALS_FILE)
    until = end_of(text, path, name, session)
    left = until - run.ledger.time() if until is not None and "--no-cache" not in options else 0
    if until is not None and left >= (wish.min_ttl or MARGIN_SECONDS):
        return Written(path, name, until, new=False)
    _check_writable(path)
    return _put(run, plan, options, Written(path, name, 0, new=True), session)


def _put(run: Wiring, plan: Plan, options: Mapping[str, str], place: Written, session: str) -> Written:
    credentials = obtain(run, plan, options)
    settings = settings_of(credentials, session)
    narrowed = _narrow(place.path)

    def change(text: str) -> str:
        return with_settings(text, place.path, place.name, settings)

    def unwritable(reason: str | None) -> errors.CredentialsUnwritable:
        return errors.CredentialsUnwritable(path=place.path, reason=reason)

    edit(place.path, change, unwritable, CREDENTIALS_FILE)
    return Written(place.path, place.name, credentials.expiration, new=True, narrowed=narrowed)


def _check_place(config: Config, profile: str, name: str) -> None:
    """Raise NameInUse where an SDK would not take what is written under `name`, or nothing else any more."""
    key = source_key(config.profile(name)) if config.has(name) else None
    if key is not None:
        command = f"vaultpy write {quote(profile)} --to NAME"
        raise errors.NameInUse(name=name, key=key, what="keys under that name", command=command)


def _check_writable(path: str) -> None:
    """Raise CredentialsUnwritable where it is already plain that the file cannot be replaced."""
    target = Path(os.path.realpath(path))
    try:
        is_something_else = target.exists() and not target.is_file()
        directory = next(parent for parent in target.parents if parent.exists())
    except OSError as error:
        raise errors.CredentialsUnwritable(path=path, reason=error.strerror) from error
    if is_something_else:
        raise errors.CredentialsUnwritable(path=path, reason="it is not a regular file")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise errors.CredentialsUnwritable(path=path, reason=f"its directory {directory} may not be written")


def _narrow(path: str, platform: str = sys.platform) -> bool:
    """Take the file away from everybody else; tell whether others could read or write it."""
    file = Path(path)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if platform == "win32" or not mode & _OTHERS:
            return False
        file.chmod(_PRIVATE)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise errors.CredentialsUnwritable(path=path, reason=error.strerror) from error
    return True
