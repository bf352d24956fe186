"""Whose key or device a command means, and what signs for that user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.remembering import enrolment
from vaultpy.config import Config
from vaultpy.errors import KeyOfAnother, NoSuchProfile, NotEnrolled
from vaultpy.index import Index
from vaultpy.sts_requests import GetSessionToken
from vaultpy.user_plan import plan_of_user

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.plan import Plan

ROLE = "arn:aws:iam::123456789012:role/admin"
SERIAL = "arn:aws:iam::123456789012:mfa/other"
USER = "[profile dev]\nregion = eu-central-1\n"


def plan(directory: Path, config: str, name: str = "dev") -> Plan:
    (directory / "config").write_text(config)
    environ = {"AWS_CONFIG_FILE": str(directory / "config"), "HOME": str(directory)}
    index = Index(str(directory / "state" / "index"))
    index.enrol(enrolment("dev"))
    return plan_of_user(Config.load(environ), index, name, environ)


def only_request(found: Plan) -> GetSessionToken:
    (request,) = found.requests
    assert isinstance(request, GetSessionToken)
    return request


def test_the_users_mfa_session_signs(tmp_path: Path) -> None:
    found = plan(tmp_path, USER)
    assert only_request(found).mfa_serials == enrolment("dev").mfa_serials
    assert found.signer.name == "dev"


def test_the_profiles_mfa_device_is_the_one_that_is_asked(tmp_path: Path) -> None:
    assert only_request(plan(tmp_path, f"{USER}mfa_serial = {SERIAL}\n")).mfa_serials == (SERIAL,)


@pytest.mark.parametrize("mfa", ["shared", "direct"])
def test_a_role_of_the_users_own_profile_is_left_out(tmp_path: Path, mfa: str) -> None:
    own = f"{USER}role_arn = {ROLE}\nsource_profile = dev\nmfa_serial = {SERIAL}\nvaultpy_mfa = {mfa}\n"
    assert only_request(plan(tmp_path, own)).mfa_serials == (SERIAL,)


def test_a_role_is_told_whose_key_it_uses(tmp_path: Path) -> None:
    with pytest.raises(KeyOfAnother, match=r"it uses that of dev$"):
        plan(tmp_path, f"{USER}[profile admin]\nrole_arn = {ROLE}\nsource_profile = dev\n", "admin")


def test_a_profile_whose_key_is_not_enrolled_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled):
        plan(tmp_path, f"{USER}[profile ops]\ncredential_process = /bin/true\n", "ops")
    with pytest.raises(NoSuchProfile):
        plan(tmp_path, USER, "somebody")
