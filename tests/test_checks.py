"""All areas are looked at whatever is wrong with one of them; the rest is each area's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support.remembering import enrolment
from vaultpy import errors, rotation_records
from vaultpy.checks import examine
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.records import Rotation
from vaultpy.session_places import KeystorePlace
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vaultpy.access_keys import Keystore
    from vaultpy.checks_aws import Aws
    from vaultpy.findings import Finding
    from vaultpy.records import Enrolment
    from vaultpy.session_places import Place
    from vaultpy.yubikey_look import YubiKeyReport

AREAS = ["this computer", "environment", "YubiKey", "keystore", "sessions", "state", "AWS's config"]
CONFIG = """
[profile dev]
[profile dev-role]
role_arn = arn:aws:iam::123456789012:role/dev
source_profile = dev
[profile other]
"""


class Computer:
    """One on which `dev` and `other` are enrolled, with nothing else; what is in `broken` fails."""

    clock = staticmethod(time.time)

    def __init__(self, directory: Path) -> None:
        self.environ: Mapping[str, str] = {"AWS_CONFIG_FILE": str(directory / "config")}
        self.keystore_file = ""
        self.broken: dict[str, Exception] = {}
        self._directory = directory
        self._index = Index(str(directory / "state" / "index"))
        self._index.enrol(enrolment("dev"))
        self._index.enrol(enrolment("other"))
        (directory / "config").write_text(CONFIG)

    def _unless_broken(self, name: str) -> None:
        if name in self.broken:
            raise self.broken[name]

    def state_directory(self) -> str:
        """Return it."""
        self._unless_broken("state_directory")
        return str(self._directory / "state")

    def index(self) -> Index:
        """Return it."""
        self._unless_broken("index")
        return self._index

    def config(self) -> Config:
        """Read it."""
        self._unless_broken("config")
        return Config.load({**self.environ, "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})

    def places(self) -> list[Place]:
        """Return a keystore alone."""
        self._unless_broken("places")
        return [KeystorePlace(lambda: self.keystore("system"))]

    def system_state(self) -> str:
        """Tell that it is open."""
        self._unless_broken("system_state")
        return "open"

    def keystore(self, name: str, file: str = "") -> Keystore:
        """Return an empty one."""
        del file
        return MemoryKeystore[Secret](name)

    def reader_names(self) -> tuple[list[str], list[str]]:
        """Return none."""
        self._unless_broken("reader_names")
        return [], []

    def key_reports(self) -> list[tuple[str, YubiKeyReport | errors.VaultpyError]]:
        """Return none."""
        return []

    def yubico_on_usb(self) -> bool:
        """See none."""
        return False

    def card_users(self) -> list[str]:
        """See none."""
        return []

    def aws(self, enrolment: Enrolment) -> Aws:
        """Be out of reach."""
        raise errors.Unreachable(host="sts", reason=enrolment.name)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def look(computer: Computer, profile: str | None = None) -> list[Finding]:
    found, ended = examine(computer, profile)
    assert ended
    return found


def areas(found: list[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.area for finding in found))


def test_every_area_is_told_of_in_its_order_and_each_key_last(computer: Computer) -> None:
    assert areas(look(computer)) == [*AREAS, "access key of dev", "access key of other"]


def test_of_a_profile_only_its_own_key_is_looked_at(computer: Computer) -> None:
    assert areas(look(computer, "dev-role"))[len(AREAS) :] == ["access key of dev"]
    assert areas(look(computer, "other"))[len(AREAS) :] == ["access key of other"]


@pytest.mark.parametrize("profile", [None, "nobody"])
def test_where_no_key_is_enrolled_aws_is_not_asked(tmp_path: Path, profile: str | None) -> None:
    computer = Computer(tmp_path)
    for name in ("dev", "other"):
        computer.index().withdraw(name)
    last = look(computer, profile)[-1]
    assert (last.area, last.state) == ("access key", "skipped")


UNUSABLE = errors.StateUnusable(path="p", reason="r", remedy="mend it")


@pytest.mark.parametrize(
    ("name", "error", "area"),
    [
        ("state_directory", UNUSABLE, "state"),
        ("index", UNUSABLE, "state"),
        ("config", errors.ConfigMalformed(path="p", line=1, problem="x"), "AWS's config"),
        ("places", errors.BadVariable(variable="V", value="x", wanted="y"), "sessions"),
        ("system_state", errors.KeystoreMissing(reason="r"), "keystore"),
        ("reader_names", errors.PcscRefused(), "YubiKey"),
        ("reader_names", ZeroDivisionError(), "YubiKey"),
    ],
)
def test_what_is_broken_fails_in_its_area_and_all_others_are_told_of(
    computer: Computer, name: str, error: Exception, area: str
) -> None:
    computer.broken[name] = error
    found = look(computer)
    assert areas(found)[: len(AREAS)] == AREAS
    (broken,) = [it for it in found if it.area == area and it.state == "failure"]
    meant = error if isinstance(error, errors.VaultpyError) else errors.Internal(kind="ZeroDivisionError")
    assert (broken.text, broken.remedy) == (meant.message, meant.hint)


def test_a_key_that_is_lost_fails(computer: Computer) -> None:
    failed = [it for it in look(computer) if it.area == "access key of dev"]
    assert [(it.state, it.remedy) for it in failed] == [
        ("failure", errors.Unreachable.hint),
        ("failure", "enrol it again: vaultpy add --force dev"),
    ]


@pytest.mark.parametrize("stage", ["stored", "switched"])
def test_an_unfinished_rotation_is_one_warning_and_its_keys_are_no_profiles(
    computer: Computer, stage: str
) -> None:
    old = enrolment("dev")
    rotation = Rotation(old.access_key_id, "AKIANEW", 0, keeps=False)
    computer.index().change(rotation_records.begin(rotation))
    computer.index().change(rotation_records.stored(rotation, 0))
    if stage == "switched":
        computer.index().change(rotation_records.switch(rotation, 0))
    found = look(computer)
    assert areas(found) == [*AREAS, "access key of dev", "access key of other"]
    (warned,) = [it for it in found if it.area == "state" and it.state == "warning"]
    assert warned.text.startswith("a rotation of dev was interrupted")
    assert warned.remedy == "finish it: vaultpy rotate dev"


def test_of_a_rotation_whose_keys_no_profile_uses_nothing_is_told(computer: Computer) -> None:
    computer.index().change(rotation_records.begin(Rotation("AKIAGONE", "", 0, keeps=False)))
    assert [it for it in look(computer) if it.area == "state" and it.state != "ok"] == []
