"""Scenarios of what is enrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.index import Index
from vaultpy.simulated.aws_server import AwsServer, Reply
from zoo.keeper import KEY_ID, newcomer
from zoo.scenario import leads_to

if TYPE_CHECKING:
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
    _, places = newcomer(zoo)
    index = Index(f"{places['XDG_STATE_HOME']}/vaultpy/index")
    (enrolment,) = index.enrolments()

    def refuse(_: object) -> Reply:
        index.enrol(enrolment.holding(KEY_ID, enrolment.name, enrolment.added))
        return Reply(403, _AN_UNKNOWN_KEY, {"Content-Type": "text/xml"})

    emulator = AwsServer(refuse, zoo.now)
    emulator.start()
    try:
        return zoo.exec_fails(profile="new", env=zoo.env(**places, AWS_ENDPOINT_URL=emulator.url))
    finally:
        emulator.stop()


@leads_to(errors.RootKey)
def a_root_users_key(zoo: Zoo) -> Told:
    root = zoo.world.alice.account.root.access_key()
    environment = zoo.env(AWS_ACCESS_KEY_ID=root.id, AWS_SECRET_ACCESS_KEY=root.secret)
    return zoo.fails("add", "other", "--env", env=environment)


@leads_to(errors.NotAnIamUser)
def a_key_that_is_said_to_be_a_roles(zoo: Zoo) -> Told:
    emulator = AwsServer(lambda _: Reply(200, _A_ROLES_IDENTITY, {"Content-Type": "text/xml"}), zoo.now)
    emulator.start()
    try:
        return zoo.fails("add", "other", "--env", env=zoo.with_key(AWS_ENDPOINT_URL=emulator.url))
    finally:
        emulator.stop()


@leads_to(errors.KeyOfAnother)
def a_roles_profile_whose_key_is_to_be_rotated(zoo: Zoo) -> Told:
    return zoo.fails("rotate", "dev-role")


@leads_to(errors.KeysForbidden)
def a_user_who_may_not_see_its_keys(zoo: Zoo) -> Told:
    bob, places = newcomer(zoo)
    bob.denied.add("iam:ListAccessKeys")
    return zoo.fails("rotate", "new", env=zoo.env(**places))


@leads_to(errors.TwoKeys)
def a_second_key_that_is_in_the_way(zoo: Zoo) -> Told:
    bob, places = newcomer(zoo)
    bob.access_key()
    return zoo.fails("rotate", "new", env=zoo.env(**places))


@leads_to(errors.NewKeyUnknown)
def a_new_key_that_stays_unknown(zoo: Zoo) -> Told:
    _, places = newcomer(zoo)
    usual = zoo.world.aws.habits.key_propagation
    zoo.world.aws.habits.key_propagation = 200
    try:
        return zoo.fails("rotate", "new", env=zoo.env(**places))
    finally:
        zoo.world.aws.habits.key_propagation = usual


@leads_to(errors.OldKeyStays)
def an_old_key_that_nobody_may_delete(zoo: Zoo) -> Told:
    bob, places = newcomer(zoo)
    bob.denied |= {"iam:UpdateAccessKey", "iam:DeleteAccessKey"}
    return zoo.fails("rotate", "new", env=zoo.env(**places))


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
