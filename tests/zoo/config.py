"""Scenarios of AWS's config files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.keystore_fixtures import Answers
from support.world import PASSPHRASE
from vaultpy import errors
from vaultpy.keystore_file import FileKeystore
from zoo.keeper import AS_NOBODY, KEY_ID
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.values import Secret
    from zoo.keeper import Told, Zoo


def _secret_in(keystore: Path) -> Secret | None:
    environment = {"VAULTPY_KEYSTORE_PASSPHRASE": PASSPHRASE}
    return FileKeystore(str(keystore), environment, Answers()).get(f"access-key/{KEY_ID}")


@leads_to(errors.ConfigUnreadable)
def a_config_that_is_no_text(zoo: Zoo) -> Told:
    return zoo.fails("list", env=zoo.env(AWS_CONFIG_FILE=zoo.file(b"[profile k\xfcche]\n")))


@leads_to(errors.ConfigUnreadable)
def credentials_that_are_a_directory(zoo: Zoo) -> Told:
    told = zoo.fails("list", env=zoo.env(AWS_SHARED_CREDENTIALS_FILE=zoo.directory()))
    assert told.lines.hint.endswith("AWS_SHARED_CREDENTIALS_FILE")
    return told


@leads_to(errors.ConfigMalformed)
def a_line_that_sets_nothing(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="ops", env=zoo.with_config("[profile ops]\nrole_arn\n"))


@leads_to(errors.ConfigUnwritable)
def a_directory_that_the_user_may_not_write(zoo: Zoo) -> Told:
    config, keystore = zoo.file("[profile ops]\n", "config"), zoo.directory() / "keystore"
    config.parent.chmod(0o500)
    environment = zoo.with_key(AWS_CONFIG_FILE=config, VAULTPY_KEYSTORE_FILE=keystore)
    told = zoo.fails("add", "other", "--env", "--no-verify", env=environment, within=AS_NOBODY)
    assert _secret_in(keystore) is None
    assert config.read_text() == "[profile ops]\n"
    return told


@leads_to(errors.NoSuchProfile)
def a_profile_that_nothing_is_like(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="production")


@leads_to(errors.MistypedProfile)
def a_mistyped_profile(zoo: Zoo) -> Told:
    told = zoo.exec_fails(profile="dev-rolle")
    assert told.lines.hint == "did you mean dev-role?"
    return told


@leads_to(errors.DanglingProfile)
def a_source_profile_that_is_missing(zoo: Zoo) -> Told:
    config = "[profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\nsource_profile = nobody\n"
    return zoo.exec_fails(profile="ops", env=zoo.with_config(config))


@leads_to(errors.ProfileCycle)
def two_profiles_that_name_each_other(zoo: Zoo) -> Told:
    role = f"role_arn = {zoo.world.role.arn}"
    config = f"[profile hen]\n{role}\nsource_profile = egg\n[profile egg]\n{role}\nsource_profile = hen\n"
    return zoo.exec_fails(profile="hen", env=zoo.with_config(config))


@leads_to(errors.BadConfigValue)
def a_duration_in_words(zoo: Zoo) -> Told:
    config = f"[profile ops]\nrole_arn = {zoo.world.role.arn}\nsource_profile = dev\nduration_seconds = 1h\n"
    return zoo.exec_fails(profile="ops", env=zoo.with_config(config))


@leads_to(errors.BadProfileName)
def a_profile_with_a_space_in_its_name(zoo: Zoo) -> Told:
    return zoo.fails("add", "my key", "--env", env=zoo.with_key())


@leads_to(errors.ProfileExists)
def a_role_under_a_name_that_means_another(zoo: Zoo) -> Told:
    role = "dev-role=arn:aws:iam::123456789012:role/other"
    return zoo.fails("add", "other", "--env", "--no-verify", "--role", role, env=zoo.with_key())


@leads_to(errors.UnsupportedSource)
def a_profile_of_identity_center(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="sso", env=zoo.with_config("[profile sso]\nsso_session = company\n"))
