"""What `list` shows: each profile with the key behind it and the session that would serve it."""

from __future__ import annotations

from vaultpy.access_key_on_yubikey import yubikey_ids
from vaultpy.digests import digest
from vaultpy.errors import VaultpyError
from vaultpy.plan import Options, make_plan
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.records import Enrolment, SessionEntry


class Row(Value):
    """One profile; empty texts and 0 where there is nothing.

    `expiration` is the end of the session that serves the profile, `mfa_expiration` that of its user's MFA
    session (epochs in seconds). Of an access key that is `on_yubikey`, `yubikeys` are those that hold it, by
    serial number (or OATH's own id of one that has none). The texts are as the files have them: whoever shows
    them to a terminal makes them harmless.
    """

    __slots__ = (
        "access_key_id",
        "expiration",
        "mfa_expiration",
        "mfa_serials",
        "on_yubikey",
        "profile",
        "role_arn",
        "source_profile",
        "user_arn",
        "yubikeys",
    )
    profile: str
    source_profile: str
    role_arn: str
    access_key_id: str
    user_arn: str
    mfa_serials: tuple[str, ...]
    on_yubikey: bool
    yubikeys: tuple[str, ...]
    expiration: int
    mfa_expiration: int

    def __init__(  # noqa: PLR0913  # what a row shows
        self,
        profile: str,
        source_profile: str,
        role_arn: str,
        enrolment: Enrolment | None,
        *,
        expiration: int,
        mfa_expiration: int,
    ) -> None:
        self._set(profile=profile, source_profile=source_profile, role_arn=role_arn)
        self._set(
            access_key_id=enrolment.access_key_id if enrolment else "",
            user_arn=enrolment.user_arn if enrolment else "",
            mfa_serials=enrolment.mfa_serials if enrolment else (),
            expiration=expiration,
            mfa_expiration=mfa_expiration,
        )
        on_yubikey = enrolment is not None and enrolment.on_yubikey
        held_by = yubikey_ids(enrolment.keystore_file) if enrolment is not None and on_yubikey else []
        self._set(on_yubikey=on_yubikey, yubikeys=tuple(held_by))

    def as_json(self) -> dict[str, object]:
        """Return the object that `list --json` shows; its shape is a promise (docs/schemas/list.json)."""
        return {
            "profile": self.profile,
            "source_profile": self.source_profile or None,
            "role_arn": self.role_arn or None,
            "access_key_id": self.access_key_id or None,
            "user_arn": self.user_arn or None,
            "mfa_serials": list(self.mfa_serials),
            "yubikeys": list(self.yubikeys),
            "expiration": self.expiration or None,
            "mfa_expiration": self.mfa_expiration or None,
        }


def rows(config: Config, index: Index, sessions: list[SessionEntry], environ: Mapping[str, str]) -> list[Row]:
    """Return a row a profile, in the order of the config file, then keys that no profile names.

    `sessions` are those that are alive.
    """
    enrolments = {enrolment.name: enrolment for enrolment in index.enrolments()}
    ends = {entry.digest: entry.expiration for entry in sessions}
    names = config.names()
    names += [name for name in enrolments if name not in names]
    found = []
    for name in names:
        source, role = _source_and_role(config, name)
        expiration, mfa_expiration = _ends(config, index, name, ends, environ)
        found.append(
            Row(
                name,
                source,
                role,
                enrolments.get(name),
                expiration=expiration,
                mfa_expiration=mfa_expiration,
            )
        )
    return found


def _source_and_role(config: Config, name: str) -> tuple[str, str]:
    """Return what the profile says, empty where it cannot be read: `exec` says what is wrong with it."""
    try:
        settings = config.profile(name).settings
    except VaultpyError:
        return "", ""
    return settings.get("source_profile", ""), settings.get("role_arn", "")


def _ends(
    config: Config, index: Index, name: str, ends: dict[str, int], environ: Mapping[str, str]
) -> tuple[int, int]:
    """Return when the profile's own session ends and when its user's MFA session does."""
    try:
        plan = make_plan(config, index, name, Options(), environ)
    except VaultpyError:
        return 0, 0
    if not plan.requests:
        return 0, 0
    own = plan.question(len(plan.requests))
    return ends.get(digest(own), 0), ends.get(digest(plan.mfa_session_question()), 0)
