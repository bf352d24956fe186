"""What `list` shows: profiles, the keys behind them, and their sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.schemas import assert_promised
from vaultpy.cli.list_ import _cells, _left
from vaultpy.config import Config
from vaultpy.digests import digest
from vaultpy.index import Index
from vaultpy.listing import Row, rows
from vaultpy.plan import Options, make_plan
from vaultpy.records import ON_YUBIKEY, Enrolment, SessionEntry
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.access_keys import Keystore

NOW = 1_800_000_000
ALICE = "arn:aws:iam::123456789012:user/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
ROLE = "arn:aws:iam::123456789012:role/admin"
CONFIG = f"""
[default]
region = eu-west-1

[profile dev-admin]
role_arn = {ROLE}
source_profile = dev

[profile dev]
mfa_serial = {SERIAL}
"""


def never_opened() -> Keystore:
    """Stand for a keystore that a list must not open."""
    raise AssertionError


class Home:
    """A home with a config file and an index."""

    def __init__(self, directory: Path) -> None:
        self._config = directory / "config"
        self.index = Index(str(directory / "state" / "index"))

    def config(self, text: str = CONFIG) -> Config:
        """Return the config, with that text."""
        self._config.write_text(text)
        nothing = str(self._config.parent / "credentials")
        return Config.load({"AWS_CONFIG_FILE": str(self._config), "AWS_SHARED_CREDENTIALS_FILE": nothing})

    def enrol(
        self, name: str, mfa_serials: tuple[str, ...] = (SERIAL,), place: tuple[str, str] = ("system", "")
    ) -> None:
        """List a key under `name`."""
        self.index.enrol(
            Enrolment(
                name=name,
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                user_arn=ALICE,
                mfa_serials=mfa_serials,
                keystore=place[0],
                keystore_file=place[1],
                added=NOW,
            )
        )

    def alive(self, now: int = NOW) -> list[SessionEntry]:
        """Return the sessions that a store finds alive at that time."""
        return SessionStore(self.index, [KeystorePlace(never_opened)], lambda: now).alive()

    def list_session(self, config: Config, profile: str, expiration: int) -> None:
        """List a session that serves `profile`."""
        plan = make_plan(config, self.index, profile, Options(), {})
        self.record(plan.question(len(plan.requests)), expiration)

    def record(self, question: str, expiration: int) -> None:
        """List a session that answers `question`."""
        self.index.record(
            SessionEntry(
                digest=digest(question),
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                label="mfa",
                duration=3600,
                expiration=expiration,
                profile="dev",
            )
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home."""
    return Home(tmp_path)


def by_name(found: list[Row]) -> dict[str, Row]:
    return {row.profile: row for row in found}


def test_an_empty_home_has_nothing_to_list(home: Home) -> None:
    assert rows(home.config(""), home.index, home.alive(), {}) == []


def test_profiles_stand_in_the_order_of_the_file_and_keys_without_one_come_last(home: Home) -> None:
    home.enrol("lonely")
    home.enrol("dev")
    assert [row.profile for row in rows(home.config(), home.index, home.alive(), {})] == [
        "default",
        "dev-admin",
        "dev",
        "lonely",
    ]


def test_a_key_is_shown_at_the_profile_of_its_name_and_a_role_at_its_own(home: Home) -> None:
    home.enrol("dev")
    found = by_name(rows(home.config(), home.index, home.alive(), {}))
    assert found["dev"].access_key_id == "AKIAIOSFODNN7EXAMPLE"
    assert found["dev-admin"].access_key_id == ""
    assert (found["dev-admin"].source_profile, found["dev-admin"].role_arn) == ("dev", ROLE)


def test_a_session_is_shown_at_the_profile_that_it_serves_until_it_ends(home: Home) -> None:
    home.enrol("dev")
    config = home.config()
    home.list_session(config, "dev-admin", NOW + 60)
    found = by_name(rows(config, home.index, home.alive(), {}))
    assert (found["dev-admin"].expiration, found["dev"].expiration) == (NOW + 60, 0)
    assert by_name(rows(config, home.index, home.alive(NOW + 60), {}))["dev-admin"].expiration == 0


def test_the_mfa_session_is_shown_at_every_profile_of_its_user(home: Home) -> None:
    home.enrol("dev")
    config = home.config()
    home.list_session(config, "dev", NOW + 9000)
    home.list_session(config, "dev-admin", NOW + 60)
    found = by_name(rows(config, home.index, home.alive(), {}))
    ends = {name: (row.expiration, row.mfa_expiration) for name, row in found.items()}
    assert ends == {"default": (0, 0), "dev-admin": (NOW + 60, NOW + 9000), "dev": (NOW + 9000, NOW + 9000)}


def test_the_mfa_session_is_shown_at_its_user_where_the_role_alone_names_the_device(home: Home) -> None:
    home.enrol("dev", mfa_serials=())
    config = home.config(
        f"[profile dev]\n[profile role]\nrole_arn = {ROLE}\nsource_profile = dev\nmfa_serial = {SERIAL}\n"
    )
    plan = make_plan(config, home.index, "role", Options(), {})
    home.record(plan.question(1), NOW + 9000)
    found = by_name(rows(config, home.index, home.alive(), {}))
    assert (found["dev"].expiration, found["dev"].mfa_expiration) == (0, NOW + 9000)
    assert (found["role"].expiration, found["role"].mfa_expiration) == (0, NOW + 9000)


def test_profiles_that_cannot_be_used_are_listed_all_the_same(home: Home) -> None:
    config = home.config(
        "[profile a]\nsource_profile = b\n"
        "[profile b]\nsource_profile = a\n"
        f"[profile dangling]\nrole_arn = {ROLE}\nsource_profile = nobody\n"
        "[profile bad]\nduration_seconds = soon\n"
    )
    assert [row.profile for row in rows(config, home.index, home.alive(), {})] == [
        "a",
        "b",
        "dangling",
        "bad",
    ]


def test_the_json_of_a_key(home: Home) -> None:
    home.enrol("dev")
    assert by_name(rows(home.config(), home.index, home.alive(), {}))["dev"].as_json() == {
        "profile": "dev",
        "source_profile": None,
        "role_arn": None,
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "user_arn": ALICE,
        "mfa_serials": [SERIAL],
        "yubikeys": [],
        "expiration": None,
        "mfa_expiration": None,
    }


@pytest.mark.parametrize(
    ("place", "shown", "yubikeys"),
    [
        (("file", "/keystore"), "AKIAIOSFODNN7EXAMPLE", []),
        ((ON_YUBIKEY, "12345678"), "AKIAIOSFODNN7EXAMPLE (YubiKey 12345678)", ["12345678"]),
        ((ON_YUBIKEY, "1 2"), "AKIAIOSFODNN7EXAMPLE (YubiKey 1 and 2)", ["1", "2"]),
        ((ON_YUBIKEY, ""), "AKIAIOSFODNN7EXAMPLE (YubiKey)", []),  # it is not known yet on which
    ],
)
def test_the_yubikeys_that_an_access_key_lives_on_are_shown(
    home: Home, place: tuple[str, str], shown: str, yubikeys: list[str]
) -> None:
    home.enrol("dev", place=place)
    row = by_name(rows(home.config(), home.index, home.alive(), {}))["dev"]
    assert _cells(row, NOW)[1] == shown
    assert row.as_json()["yubikeys"] == yubikeys
    assert_promised("list", [row.as_json()])


def test_the_json_of_a_role_with_a_session(home: Home) -> None:
    home.enrol("dev")
    config = home.config()
    home.list_session(config, "dev-admin", NOW + 60)
    assert by_name(rows(config, home.index, home.alive(), {}))["dev-admin"].as_json() == {
        "profile": "dev-admin",
        "source_profile": "dev",
        "role_arn": ROLE,
        "access_key_id": None,
        "user_arn": None,
        "mfa_serials": [],
        "yubikeys": [],
        "expiration": NOW + 60,
        "mfa_expiration": None,
    }


def test_the_json_has_names_as_the_file_has_them(home: Home) -> None:
    config = home.config("[profile \x1b[31mred]\n")
    (row,) = rows(config, home.index, home.alive(), {})
    shown = json.dumps(row.as_json())
    assert json.loads(shown)["profile"] == row.profile
    assert row.profile.startswith("\x1b")
    assert "\x1b" not in shown


def test_the_json_is_as_its_schema_promises(home: Home) -> None:
    home.enrol("dev")
    home.enrol("lonely", mfa_serials=())
    config = home.config(CONFIG + "[profile \x1b[31mred]\n")
    home.list_session(config, "dev-admin", NOW + 60)
    shown = [row.as_json() for row in rows(config, home.index, home.alive(), {})]
    assert len(shown) == 5
    assert_promised("list", shown)


@pytest.mark.parametrize(
    ("role_arn", "expiration", "mfa_expiration", "shown"),
    [
        ("", 0, 0, ""),
        ("", NOW + 9000, NOW + 9000, "2h 30m left"),
        ("", 0, NOW + 9000, "MFA 2h 30m left"),
        (ROLE, NOW + 60, NOW + 9000, "1m 00s left"),
        (ROLE, 0, NOW + 9000, ""),
    ],
)
def test_a_user_without_a_session_of_its_own_shows_its_mfa_session(
    role_arn: str, expiration: int, mfa_expiration: int, shown: str
) -> None:
    row = Row("dev", "", role_arn, None, expiration=expiration, mfa_expiration=mfa_expiration)
    assert _left(row, NOW) == shown
