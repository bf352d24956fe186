"""What is wrong in AWS's config is told profile by profile, each with its remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.remembering import enrolment
from vaultpy.checks_config import KEYS, plans, profiles
from vaultpy.config import Config
from vaultpy.index import Index

if TYPE_CHECKING:
    from vaultpy.findings import Finding

ROOT = Path(__file__).parent.parent
ROLE = "role_arn = arn:aws:iam::123456789012:role/dev\n"
SERIAL = "mfa_serial = arn:aws:iam::123456789012:mfa/alice\n"
KEY = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hunter2\n"
HEALTHY = f"[profile dev]\n{SERIAL}[profile dev-role]\n{ROLE}source_profile = dev\n"


class Home:
    """A home with both files of AWS's, in which `dev` is enrolled."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self.credentials = directory / "credentials"
        self.index = Index(str(directory / "state" / "index"))
        self.index.enrol(enrolment("dev"))

    def read(self, config: str = "", credentials: str = "") -> Config:
        """Write both files, and read them as vaultpy does."""
        self.config.write_text(config)
        self.credentials.write_text(credentials)
        files = {"AWS_CONFIG_FILE": self.config, "AWS_SHARED_CREDENTIALS_FILE": self.credentials}
        return Config.load({name: str(path) for name, path in files.items()})

    def look(self, config: str = "", credentials: str = "", *, name: str | None = None) -> list[Finding]:
        """Return what is found."""
        return list(profiles(self.read(config, credentials), self.index, {}, name))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_profiles_that_exec_can_use_are_counted(home: Home) -> None:
    (finding,) = home.look(HEALTHY)
    assert (finding.state, finding.text) == ("ok", f"{home.config}: exec can use 2 of 2 profiles")


def test_a_home_without_profiles_is_ok(home: Home) -> None:
    assert [it.state for it in home.look()] == ["ok"]


@pytest.mark.parametrize(
    ("config", "state", "text", "remedy"),
    [
        (f"[profile x]\n{ROLE}source_profile = dve\n", "failure", "names dve as its", "did you mean dev?"),
        (
            f"[profile x]\n{ROLE}source_profile = y\n[profile y]\n{ROLE}source_profile = x\n",
            "failure",
            "goes in a circle",
            "take one source_profile",
        ),
        (
            "[profile x]\nregion = a\n[profile x]\nregion = b\n",
            "failure",
            "is there twice",
            "correct that line",
        ),
        ("[profile dev]\nduration_seconds = soon\n", "failure", "duration_seconds = soon", "correct it"),
        ("[profile dev]\nvaultpy_mfa = never\n", "failure", "vaultpy_mfa = never", "correct it"),
        (
            "[profile dev]\nvaultpy_session_duration = long\n",
            "failure",
            "vaultpy_session_duration = long",
            "correct it",
        ),
        (
            "[profile dev]\nvaultpy_yubkey = 1\n",
            "warning",
            "is no key of vaultpy's",
            "did you mean vaultpy_yubikey?",
        ),
        ("[profile dev]\nvaultpy_xqz = 1\n", "warning", "is no key of vaultpy's", "take it out of"),
        (f"[profile new]\n{SERIAL}", "warning", "no access key is enrolled for new", "vaultpy add new"),
        ("[profile x]\nlogin_session = a\n", "warning", "takes its credentials from", "export-credentials"),
        (f"[profile x]\n{KEY}", "warning", "in AWS's config file, in clear", ": vaultpy import credentials"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    home: Home, config: str, state: str, text: str, remedy: str
) -> None:
    dev = "" if "[profile dev]" in config else "[profile dev]\n"
    told = [it for it in home.look(config + dev) if it.state not in {"ok", "skipped"}]
    assert told
    assert {it.state for it in told} == {state}
    assert all(text in it.text and remedy in it.remedy for it in told)
    assert len({(it.text, it.remedy) for it in told}) == len(told)


def test_a_key_in_clear_is_warned_of_and_its_secret_not_shown(home: Home) -> None:
    warned, count = home.look(HEALTHY, f"[old\x1b[2J]\n{KEY}")
    assert (warned.state, count.state) == ("warning", "ok")
    assert warned.text == (
        r"access key AKIAIOSFODNN7EXAMPLE of profile old\x1b[2J lies in AWS's credentials file, in clear"
    )
    assert warned.remedy == "move it into the keystore: vaultpy import credentials"
    assert "hunter2" not in repr(warned)


def test_temporary_credentials_in_the_file_are_no_key_in_clear(home: Home) -> None:
    assert [it.state for it in home.look("", f"[tmp]\n{KEY}aws_session_token = t\n")] == ["ok"]


def test_a_profile_that_asks_for_nothing_is_passed_over(home: Home) -> None:
    found = home.look(HEALTHY + "[profile plain]\nregion = eu-west-1\n")
    assert [it.state for it in found] == ["skipped", "ok"]
    assert found[1].text.endswith("2 of 3 profiles")


def test_of_one_profile_nothing_but_its_own_is_told(home: Home) -> None:
    config = HEALTHY + "[profile dangling]\n" + ROLE + "source_profile = nobody\n"
    assert [it.state for it in home.look(config, name="dev-role")] == ["ok"]
    assert [it.state for it in home.look(config, name="dangling")] == ["failure", "ok"]


@pytest.mark.parametrize("name", ["nobody", "plain", "other"])
def test_a_profile_that_was_asked_for_fails_where_exec_cannot_use_it(home: Home, name: str) -> None:
    config = "[profile plain]\nregion = eu-west-1\n[profile other]\nlogin_session = a\n"
    failed, count = home.look(config, name=name)
    assert (failed.state, count.state) == ("failure", "ok")
    assert count.text.endswith("0 of 1 profile")


def test_what_many_profiles_stand_on_is_told_once(home: Home) -> None:
    roles = "".join(f"[profile r{number}]\n{ROLE}source_profile = dev\n" for number in range(5))
    wrong, count = home.look(f"[profile dev]\n{SERIAL}region = s3 bucket\n{roles}")
    assert (wrong.state, count.state) == ("failure", "ok")
    assert count.text.endswith("0 of 6 profiles")


def test_plans_are_those_of_the_profiles_that_work(home: Home) -> None:
    config = home.read(HEALTHY + "[profile dangling]\n" + ROLE + "source_profile = nobody\n")
    assert [it.profile.name for it in plans(config, home.index, {}, None)] == ["dev", "dev-role"]
    assert [it.profile.name for it in plans(config, home.index, {}, "dev")] == ["dev"]
    assert plans(config, home.index, {}, "dangling") == []


def test_the_keys_that_are_known_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `(vaultpy_[a-z_]+)`", text, flags=re.MULTILINE)) == set(KEYS)
