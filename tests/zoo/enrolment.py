"""Scenarios of what is enrolled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.index import Index
from vaultpy.simulated.aws_server import AwsServer, Reply
from zoo.keeper import KEY_ID
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from vaultpy.simulated.aws_accounts import User
    from zoo.keeper import Told, Zoo

# An emulator of AWS may answer so; AWS itself gives long-term keys to users alone.
_A_ROLES_IDENTITY = b"""<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:sts::123456789012:assumed-role/admin/alice</Arn>
<UserId>AROAIOSFODNN7EXAMPLE:alice</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_AN_UNKNOWN_KEY = b"""<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>
<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"""


@leads_to(errors.NotEnrolled)
def a_profile_without_a_key(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="ops", env=zoo.with_config("[profile ops]\nregion = eu-west-1\n"))


@leads_to(errors.AlreadyEnrolled)
def a_name_that_has_a_key(zoo: Zoo) -> Told:
    return zoo.fails("add", "dev", "--env", env=zoo.with_key())


@leads_to(errors.KeyChanged)
def a_key_that_another_run_replaces_before_aws_answers(zoo: Zoo) -> Told:
    _, environment = _bob(zoo)
    index = Index(f"{environment['XDG_STATE_HOME']}/vaultpy/index")
    (enrolment,) = index.enrolments()

    def refuse(_: object) -> Reply:
        index.enrol(enrolment.holding(KEY_ID, enrolment.name, enrolment.added))
        return Reply(403, _AN_UNKNOWN_KEY, {"Content-Type": "text/xml"})

    emulator = AwsServer(refuse, time.time)
    emulator.start()
    try:
        return zoo.exec_fails(profile="bob", env=environment | {"AWS_ENDPOINT_URL": emulator.url})
    finally:
        emulator.stop()


@leads_to(errors.RootKey)
def a_root_users_key(zoo: Zoo) -> Told:
    root = zoo.world.alice.account.root.access_key()
    environment = zoo.env(AWS_ACCESS_KEY_ID=root.id, AWS_SECRET_ACCESS_KEY=root.secret)
    return zoo.fails("add", "other", "--env", env=environment)


@leads_to(errors.NotAnIamUser)
def a_key_that_is_said_to_be_a_roles(zoo: Zoo) -> Told:
    emulator = AwsServer(lambda _: Reply(200, _A_ROLES_IDENTITY, {"Content-Type": "text/xml"}), time.time)
    emulator.start()
    try:
        return zoo.fails("add", "other", "--env", env=zoo.with_key(AWS_ENDPOINT_URL=emulator.url))
    finally:
        emulator.stop()


def _bob(zoo: Zoo) -> tuple[User, dict[str, str]]:
    """Enrol the key of a new user without an MFA device as `bob`, at home somewhere else."""
    users = zoo.world.alice.account.users
    bob = zoo.world.alice.account.user(f"bob-{len(users)}")
    key, home = bob.access_key(), zoo.directory()
    environment = zoo.env(
        XDG_STATE_HOME=home, VAULTPY_KEYSTORE_FILE=home / "keys", AWS_CONFIG_FILE=home / "config"
    )
    secret = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    done = zoo.world.vaultpy("add", "bob", "--env", env=environment | secret)
    assert done.returncode == 0, done.stderr
    return bob, environment


@leads_to(errors.KeyOfAnother)
def a_roles_profile_whose_key_is_to_be_rotated(zoo: Zoo) -> Told:
    return zoo.fails("rotate", "dev-role")


@leads_to(errors.KeysForbidden)
def a_user_who_may_not_see_its_keys(zoo: Zoo) -> Told:
    bob, environment = _bob(zoo)
    bob.denied.add("iam:ListAccessKeys")
    return zoo.fails("rotate", "bob", env=environment)


@leads_to(errors.TwoKeys)
def a_second_key_that_is_in_the_way(zoo: Zoo) -> Told:
    bob, environment = _bob(zoo)
    bob.access_key()
    return zoo.fails("rotate", "bob", env=environment)


@leads_to(errors.NewKeyUnknown, slow=True)
def a_new_key_that_stays_unknown(zoo: Zoo) -> Told:
    _, environment = _bob(zoo)
    zoo.world.aws.habits.key_propagation = 200
    return zoo.fails("rotate", "bob", env=environment)


@leads_to(errors.OldKeyStays)
def an_old_key_that_nobody_may_delete(zoo: Zoo) -> Told:
    bob, environment = _bob(zoo)
    bob.denied |= {"iam:UpdateAccessKey", "iam:DeleteAccessKey"}
    return zoo.fails("rotate", "bob", env=environment)


@leads_to(errors.BadKeyInput)
def an_empty_standard_input(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--stdin")


@leads_to(errors.BadKeyInput)
def temporary_credentials(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--env", env=zoo.with_key(AWS_SESSION_TOKEN="IQoJb3JpZ2luX2Vj"))


@leads_to(errors.NothingToImport)
def a_name_without_a_key_in_clear(zoo: Zoo) -> Told:
    return zoo.fails("import", "credentials", "other", "--yes")


@leads_to(errors.AwsVaultMissing)
def an_aws_vault_that_is_not_there(zoo: Zoo) -> Told:
    return zoo.fails("import", "aws-vault", env=zoo.env(PATH=zoo.directory()))


@leads_to(errors.AwsVaultFailed)
def an_aws_vault_that_lists_nothing(zoo: Zoo) -> Told:
    program = zoo.file("#!/bin/sh\nexit 1\n", "aws-vault")
    program.chmod(0o700)
    return zoo.fails("import", "aws-vault", env=zoo.env(PATH=program.parent))


@leads_to(errors.BadVariable)
def a_mistyped_variable(zoo: Zoo) -> Told:
    return zoo.fails("list", env=zoo.env(VAULTPY_SESSIONS="kernal"))


@leads_to(errors.StateUnusable)
def a_damaged_index(zoo: Zoo) -> Told:
    state = zoo.directory()
    (state / "vaultpy").mkdir()
    (state / "vaultpy" / "index").write_text("half of it")
    return zoo.fails("list", env=zoo.env(XDG_STATE_HOME=state))


@leads_to(errors.StateUnusable)
def a_state_directory_that_is_a_file(zoo: Zoo) -> Told:
    environment = zoo.with_key(XDG_STATE_HOME=zoo.file("a file, and no directory"))
    return zoo.fails("add", "other", "--env", "--no-verify", env=environment)
