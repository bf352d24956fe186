"""What `list` shows: each profile with the key behind it and the session that would serve it."""

from __future__ import annotations

from contextlib import suppress

from vaultpy.errors import VaultpyError
from vaultpy.plan import Options, make_plan
from vaultpy.sessions import digest
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.records import Enrolment, SessionEntry


class Row(Value):
    """One profile; empty texts and 0 where there is nothing. `expiration` is an epoch in seconds.

    The texts are as the files have them: whoever shows them to a terminal makes them harmless.
    """

    __slots__ = (
        "access_key_id",
        "expiration",
        "mfa_serials",
        "profile",
        "role_arn",
        "source_profile",
        "user_arn",
    )
    profile: str
    source_profile: str
    role_arn: str
    access_key_id: str
    user_arn: str
    mfa_serials: tuple[str, ...]
    expiration: int

    def __init__(
        self, profile: str, source_profile: str, role_arn: str, enrolment: Enrolment | None, expiration: int
    ) -> None:
        self._set(profile=profile, source_profile=source_profile, role_arn=role_arn)
        self._set(
            access_key_id=enrolment.access_key_id if enrolment else "",
            user_arn=enrolment.user_arn if enrolment else "",
            mfa_serials=enrolment.mfa_serials if enrolment else (),
            expiration=expiration,
        )

    def as_json(self) -> dict[str, object]:
        """Return the object that `list --json` shows for this row; its shape is a promise.

        `profile` (text), `source_profile`, `role_arn`, `access_key_id`, `user_arn` (text or null),
        `mfa_serials` (array of texts, those that AWS told of at `add`), `expiration` (of the session that
        serves this profile: epoch in seconds, or null). Later versions may add members.
        """
        return {
            "profile": self.profile,
            "source_profile": self.source_profile or None,
            "role_arn": self.role_arn or None,
            "access_key_id": self.access_key_id or None,
            "user_arn": self.user_arn or None,
            "mfa_serials": list(self.mfa_serials),
            "expiration": self.expiration or None,
        }


def rows(config: Config, index: Index, sessions: list[SessionEntry]) -> list[Row]:
    """Return a row a profile, in the order of the config file, then keys that no profile names.

    `sessions` are those that are alive.
    """
    enrolments = {enrolment.name: enrolment for enrolment in index.enrolments()}
    ends = {entry.digest: entry.expiration for entry in sessions}
    names = config.names()
    names += [name for name in enrolments if name not in names]
    return [_row(config, index, name, enrolments.get(name), ends) for name in names]


def _row(config: Config, index: Index, name: str, enrolment: Enrolment | None, ends: dict[str, int]) -> Row:
    """Return one row, also of a profile that cannot be used: `exec` says what is wrong with it."""
    source = role = ""
    expiration = 0
    with suppress(VaultpyError):
        profile = config.profile(name)
        source, role = profile.source_profile or "", profile.role_arn or ""
        plan = make_plan(config, index, name, Options(), {})
        expiration = ends.get(digest(plan.question(len(plan.requests))), 0)
    return Row(name, source, role, enrolment, expiration)
