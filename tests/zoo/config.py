"""Scenarios of AWS's config files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from support.keystore_fixtures import Answers
from support.world import PASSPHRASE
from vaultpy import errors
from vaultpy.keystore_file import FileKeystore
from zoo.keeper import AS_NOBODY, KEY_ID
from zoo.scenario import leads_to

if TYPE_CHECKING:
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
    config, keystore = zoo.file("[profile ops]\n", "config"), zoo.keystore_file()
    config.parent.chmod(0o500)
    environment = zoo.with_key(AWS_CONFIG_FILE=config, VAULTPY_KEYSTORE_FILE=keystore)
    told = zoo.fails("add", "other", "--env", "--no-verify", env=environment, within=AS_NOBODY)
    assert _secret_in(keystore) is None
    assert config.read_text() == "[profile ops]\n"
    return told


@leads_to(errors.KeyStays)
def a_key_in_a_directory_that_the_user_may_not_write(zoo: Zoo) -> Told:
    key = zoo.world.access_key
    lines = f"[ops]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
    credentials, keystore = zoo.file(lines, "credentials"), zoo.keystore_file()
    credentials.parent.chmod(0o500)
    files = {"AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_CONFIG_FILE": zoo.directory() / "config"}
    environment = zoo.env(**files, VAULTPY_KEYSTORE_FILE=keystore, XDG_STATE_HOME=zoo.directory())
    with Path("/dev/null").open("wb") as nowhere:
        told = zoo.fails("import", "credentials", "--yes", env=environment, stdout=nowhere, within=AS_NOBODY)
    assert credentials.read_text() == lines
    answers = {"VAULTPY_KEYSTORE_PASSPHRASE": PASSPHRASE}
    stored = FileKeystore(str(keystore), answers, Answers()).get(f"access-key/{key.id}")
    assert stored is not None
    assert stored.reveal() == key.secret
    return told


@leads_to(errors.NoSuchProfile)
def a_profile_that_nothing_is_like(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="production")


@leads_to(errors.MistypedProfile)
def a_mistyped_profile(zoo: Zoo) -> Told:
    told = zoo.exec_fails(profile="dev-rolle")
    assert told.lines.hint == "did you mean dev-role?"
    return told


@leads_to(errors.NoProfileMatches)
def a_pattern_that_means_nothing(zoo: Zoo) -> Told:
    told = zoo.fails("each", "dev-rolle*", "--", "true")
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


@leads_to(errors.RoleTwice)
def a_role_for_a_profile_that_has_one(zoo: Zoo) -> Told:
    return zoo.exec_fails("--role", "admin")


@leads_to(errors.RoleUnplaced)
def a_role_that_is_no_name(zoo: Zoo) -> Told:
    return zoo.exec_fails("--role", "no such role", profile="dev")


@leads_to(errors.SourceUnfit)
def a_process_that_gives_a_long_term_key(zoo: Zoo) -> Told:
    answer = '{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}'
    config = f"[profile other]\ncredential_process = echo '{answer}'\n"
    return zoo.exec_fails(profile="other", env=zoo.with_config(config))


@leads_to(errors.UnsupportedSource)
def a_profile_of_aws_login(zoo: Zoo) -> Told:
    config = "[profile console]\nlogin_session = arn:aws:iam::123456789012:user/alice\n"
    return zoo.exec_fails(profile="console", env=zoo.with_config(config))


@leads_to(errors.SourceFailed)
def a_credential_process_that_fails(zoo: Zoo) -> Told:
    return zoo.exec_fails(
        profile="other", env=zoo.with_config("[profile other]\ncredential_process = false\n")
    )


@leads_to(errors.SsoLoginNeeded)
def a_profile_of_identity_center_without_a_login(zoo: Zoo) -> Told:
    section = "[sso-session company]\nsso_start_url = https://company.example\nsso_region = eu-west-1\n"
    profile = (
        "[profile sso]\nsso_session = company\nsso_account_id = 123456789012\nsso_role_name = ReadOnly\n"
    )
    return zoo.exec_fails(profile="sso", env=zoo.with_config(section + profile))


@leads_to(errors.CredentialsUnwritable)
def credentials_in_a_directory_that_the_user_may_not_write(zoo: Zoo) -> Told:
    credentials = zoo.file("[other]\nregion = x\n", "credentials")
    credentials.parent.chmod(0o500)
    environment = zoo.env(AWS_SHARED_CREDENTIALS_FILE=credentials)
    return zoo.fails("write", "dev", env=environment, within=AS_NOBODY)


@leads_to(errors.NameInUse)
def keys_under_the_name_of_a_role(zoo: Zoo) -> Told:
    return zoo.fails("write", "dev-role")


@leads_to(errors.NameInUse)
def a_credential_process_beside_a_role(zoo: Zoo) -> Told:
    option = ("--credential-process", "dev-role=dev")
    return zoo.fails("add", "other", "--env", "--no-verify", *option, env=zoo.with_key())


@leads_to(errors.LongTermKeyThere)
def a_section_with_a_long_term_key(zoo: Zoo) -> Told:
    text = f"[dev]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = x\n"
    credentials = zoo.file(text, "credentials")
    told = zoo.fails("write", "dev", env=zoo.env(AWS_SHARED_CREDENTIALS_FILE=credentials))
    assert credentials.read_text() == text
    return told


def _lent(zoo: Zoo, seconds: int) -> str:
    """Return a profile whose process lends credentials that end in so many seconds."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(zoo.now() + seconds))
    key = '"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x", "SessionToken": "x"'
    return f'[profile other]\ncredential_process = echo \'{{{key}, "Expiration": "{end}"}}\'\n'


@leads_to(errors.SourceDecides)
def a_duration_for_credentials_that_are_lent(zoo: Zoo) -> Told:
    return zoo.exec_fails("--duration", "2h", profile="other", env=zoo.with_config(_lent(zoo, 600)))


@leads_to(errors.SourceEndsSoon)
def credentials_that_are_lent_for_less_than_is_wanted(zoo: Zoo) -> Told:
    return zoo.exec_fails("--min-ttl", "2h", profile="other", env=zoo.with_config(_lent(zoo, 600)))
