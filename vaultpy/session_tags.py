"""What a role session carries besides its name: session tags, transitive tags and the source identity.

The keys and variables are aws-vault's, `session_tags = team=blue,cost-center=1`, and stand for AssumeRole's
Tags, TransitiveTagKeys and SourceIdentity; the limits are those of the STS API reference.
"""

from __future__ import annotations

import vaultpy
from vaultpy.profile import SOURCE_IDENTITY_WANTED, is_source_identity
from vaultpy.sts_requests import Carried

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.profile import Profile

TAGS_WANTED = (
    "up to 50 pairs as KEY=VALUE,KEY=VALUE (letters, digits, blanks and _.:/=+-@; 128 and 256 at most)"
)
TRANSITIVE_WANTED = "keys as KEY,KEY, each of them one of the session tags"
_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_MARKS = "_.:/=+-@ "


def carried(profile: Profile, environ: Mapping[str, str]) -> Carried:
    """Return what the profile's role session carries; a variable of `environ` wins over its setting.

    Raises BadConfigValue and BadVariable.
    """
    tags = _Setting("AWS_SESSION_TAGS", "session_tags", TAGS_WANTED, profile, environ)
    if not all("=" in part for part in _parts(tags.text)):
        raise tags.refused()
    pairs = tuple(map(_pair, _parts(tags.text)))
    keys = {key.casefold() for key, _ in pairs}
    if not (all(_is_tag(*pair) for pair in pairs) and len(keys) == len(pairs) <= _MOST_TAGS):
        raise tags.refused()
    transitive = _Setting(
        "AWS_TRANSITIVE_TAGS", "transitive_session_tags", TRANSITIVE_WANTED, profile, environ
    )
    inherited = tuple(_parts(transitive.text))
    if not {key.casefold() for key in inherited} <= keys:
        raise transitive.refused()
    identity = _Setting("AWS_SOURCE_IDENTITY", "source_identity", SOURCE_IDENTITY_WANTED, profile, environ)
    if identity.text and not is_source_identity(identity.text):
        raise identity.refused()
    return Carried(pairs, inherited, identity.text or None)


class _Setting:
    """One of them, from its variable or its key, and the error that says what is wrong with it."""

    def __init__(
        self, variable: str, key: str, wanted: str, profile: Profile, environ: Mapping[str, str]
    ) -> None:
        self._variable, self._key, self._wanted, self._profile = variable, key, wanted, profile
        self._given = environ.get(variable, "")
        self.text = self._given or profile.settings.get(key, "")

    def refused(self) -> Exception:
        if self._given:
            return vaultpy.errors.BadVariable(variable=self._variable, value=self._given, wanted=self._wanted)
        return self._profile.bad_value(self._key, self._wanted)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    return key.strip(), value.strip()


def _is_tag(key: str, value: str) -> bool:
    lengths = 0 < len(key) <= _LONGEST_KEY and len(value) <= _LONGEST_VALUE
    return (
        lengths
        and not key.casefold().startswith("aws:")
        and all(c.isalnum() or c in _MARKS for c in key + value)
    )
