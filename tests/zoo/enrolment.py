"""Scenarios of what is enrolled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.simulated.aws_server import AwsServer, Reply
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from zoo.keeper import Told, Zoo

# An emulator of AWS may answer so; AWS itself gives long-term keys to users alone.
_A_ROLES_IDENTITY = b"""<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:sts::123456789012:assumed-role/admin/alice</Arn>
<UserId>AROAIOSFODNN7EXAMPLE:alice</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


@leads_to(errors.NotEnrolled)
def a_profile_without_a_key(zoo: Zoo) -> Told:
    return zoo.exec_fails(profile="ops", env=zoo.with_config("[profile ops]\nregion = eu-west-1\n"))


@leads_to(errors.AlreadyEnrolled)
def a_name_that_has_a_key(zoo: Zoo) -> Told:
    return zoo.fails("add", "dev", "--env", env=zoo.with_key())


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


@leads_to(errors.BadKeyInput)
def an_empty_standard_input(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--stdin")


@leads_to(errors.BadKeyInput)
def temporary_credentials(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--env", env=zoo.with_key(AWS_SESSION_TOKEN="IQoJb3JpZ2luX2Vj"))


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
