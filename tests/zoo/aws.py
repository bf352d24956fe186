"""Scenarios of AWS: a simulated one that verifies what it is asked."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.simulated.yubikey import SimulatedYubiKey
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from vaultpy.simulated.aws_accounts import Role
    from zoo.keeper import Told, Zoo

ADD = ("add", "other", "--env")
HOUR = 3600
_SUBSCRIPTION = b"""<ErrorResponse><Error><Code>OptInRequired</Code>
<Message>The AWS Access Key Id needs a subscription for the service</Message></Error></ErrorResponse>"""


def _ops(role: Role, setting: str = "") -> str:
    return f"[profile ops]\nrole_arn = {role.arn}\nsource_profile = dev\n{setting}\n"


@leads_to(errors.CodeRefused, slow=True)
def an_account_with_another_devices_seed(zoo: Zoo) -> Told:
    stranger, device = SimulatedYubiKey(), zoo.device()
    stranger.add_account(device.serial, b"another twenty bytes")
    with zoo.plugged_in(stranger) as environment:
        told = zoo.exec_fails("--mfa-serial", device.serial, profile="dev", env=environment)
    sent = [call for call in zoo.world.aws.calls if call.parameters.get("SerialNumber") == device.serial]
    assert [call.action for call in sent] == ["GetSessionToken", "GetSessionToken"]
    assert stranger.calculations == 2
    return told


@leads_to(errors.TypedCodeRefused, sends=1)
def a_code_that_was_used_before(zoo: Zoo) -> Told:
    device = zoo.device()
    code = device.code(time.time())
    assert device.spend(code, time.time())
    return zoo.exec_fails("--mfa-serial", device.serial, "--mfa-token", code)


@leads_to(errors.MfaDeviceRefused, sends=1)
def a_device_of_somebody_elses(zoo: Zoo) -> Told:
    serial = zoo.world.device.serial.replace("alice", "bob")
    return zoo.exec_fails("--mfa-serial", serial, "--mfa-token", "123456")


@leads_to(errors.RoleDenied, sends=2)
def a_role_that_wants_an_external_id(zoo: Zoo) -> Told:
    role = zoo.world.alice.account.role("ops", external_id="wanted")
    return zoo.exec_fails(*zoo.given_code(), profile="ops", env=zoo.with_config(_ops(role)))


@leads_to(errors.AccessKeyRefused, slow=True)
def a_key_that_is_inactive(zoo: Zoo) -> Told:
    key = zoo.world.alice.access_key()
    key.active = False
    return zoo.fails(*ADD, env=zoo.with_key(AWS_ACCESS_KEY_ID=key.id, AWS_SECRET_ACCESS_KEY=key.secret))


@leads_to(errors.SessionRefused, sends=2)
def a_key_that_is_made_inactive_meanwhile(zoo: Zoo) -> Told:
    with zoo.key_inactive_after("GetSessionToken"):
        return zoo.exec_fails(*zoo.given_code())


@leads_to(errors.SecretWrong)
def a_wrong_secret(zoo: Zoo) -> Told:
    return zoo.fails(*ADD, env=zoo.with_key(AWS_ACCESS_KEY_ID=zoo.world.access_key.id))


@leads_to(errors.ClockWrong)
def a_clock_that_is_an_hour_off_is_named_before_a_code_is_spent(zoo: Zoo) -> Told:
    with SimulatedAws(lambda: time.time() + HOUR + 30) as later:
        told = zoo.exec_fails(*zoo.given_code(), env=zoo.env(AWS_ENDPOINT_URL=later.url))
    assert "1h 00m behind" in told.lines.message
    assert later.calls == []
    return told


@leads_to(errors.DurationRefused)
def more_than_any_role_gives(zoo: Zoo) -> Told:
    return zoo.exec_fails("--duration", "13h")


@leads_to(errors.DurationRefused, sends=1)
def more_than_this_role_gives(zoo: Zoo) -> Told:
    return zoo.exec_fails(*zoo.given_code(), "--duration", "2h")


@leads_to(errors.RegionOff)
def a_region_whose_sts_is_switched_off(zoo: Zoo) -> Told:
    zoo.world.alice.account.disabled_regions.add("eu-west-1")
    return zoo.fails(*ADD, env=zoo.world.with_key | {"AWS_REGION": "eu-west-1"})


@leads_to(errors.RegionUnknown)
def a_region_that_cannot_be(zoo: Zoo) -> Told:
    return zoo.fails(*ADD, env=zoo.with_key(AWS_REGION="eu_central_1"))


@leads_to(errors.Unreachable)
def a_machine_without_a_network(zoo: Zoo) -> Told:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return zoo.fails(*ADD, env=zoo.with_key(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}"))


@leads_to(errors.TlsFailed)
def a_server_without_tls(zoo: Zoo) -> Told:
    url = zoo.world.aws.url.replace("http:", "https:")
    return zoo.fails(*ADD, env=zoo.with_key(AWS_ENDPOINT_URL=url))


@leads_to(errors.NoAnswer, sends=1)
def a_connection_that_breaks(zoo: Zoo) -> Told:
    zoo.world.aws.fail_next("GetSessionToken", Fault.CLOSE_AFTER)
    return zoo.exec_fails(*zoo.given_code())


@leads_to(errors.AwsBusy, sends=1)
def an_aws_that_is_out_of_order(zoo: Zoo) -> Told:
    zoo.world.aws.fail_next("GetSessionToken", Fault.SERVER_ERROR)
    return zoo.exec_fails(*zoo.given_code())


@leads_to(errors.AwsRefused)
def a_refusal_that_nobody_has_met(zoo: Zoo) -> Told:
    stranger = AwsServer(lambda _: Reply(403, _SUBSCRIPTION, {"Content-Type": "text/xml"}), time.time)
    stranger.start()
    try:
        return zoo.fails(*ADD, env=zoo.with_key(AWS_ENDPOINT_URL=stranger.url))
    finally:
        stranger.stop()


@leads_to(errors.AnswerMalformed)
def an_answer_that_breaks_off(zoo: Zoo) -> Told:
    zoo.world.aws.fail_next("GetCallerIdentity", Fault.MALFORMED)
    return zoo.fails(*ADD, env=zoo.world.with_key)


@leads_to(errors.EndpointMalformed)
def an_endpoint_that_reads_in_two_ways(zoo: Zoo) -> Told:
    return zoo.exec_fails(env=zoo.env(AWS_ENDPOINT_URL="https://sts.amazonaws.com@example.com"))


@leads_to(errors.EndpointUnconfirmed)
def an_endpoint_that_is_not_aws(zoo: Zoo) -> Told:
    return zoo.exec_fails(env=zoo.env(AWS_ENDPOINT_URL="https://sts.example.com"))
