"""Scenarios of AWS: a simulated one that verifies what it is asked."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from support.signing import enrol, put_on_key
from vaultpy import errors
from vaultpy.ledger import Ledger
from vaultpy.mfa import STEP_SECONDS
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.simulated.yubikey import SimulatedYubiKey
from zoo.keeper import newcomer
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


@leads_to(errors.CodeRefused, sends=2)
def an_account_with_another_devices_seed(zoo: Zoo) -> Told:
    stranger, device = SimulatedYubiKey(), zoo.device()
    stranger.add_account(device.serial, b"another twenty bytes")
    with zoo.plugged_in(stranger) as environment:
        told = zoo.exec_fails("--mfa-serial", device.serial, profile="dev", env=environment)
    sent = [call for call in zoo.world.aws.calls if call.parameters.get("SerialNumber") == device.serial]
    assert [call.action for call in sent] == ["GetSessionToken", "GetSessionToken"]
    assert stranger.calculations == 2
    return told


@leads_to(errors.CodeSpent)
def a_code_of_a_half_minute_that_is_spent(zoo: Zoo) -> Told:
    device = zoo.device()
    now = zoo.now()
    ledger = Ledger(f"{zoo.world.environment['XDG_STATE_HOME']}/vaultpy", zoo.now)
    ledger.spend(device.serial, int(now // STEP_SECONDS) + 1)  # so that none begins before the run is over
    return zoo.exec_fails("--mfa-serial", device.serial, "--mfa-token", device.code(now))


@leads_to(errors.TypedCodeRefused, sends=1)
def a_code_that_was_used_before(zoo: Zoo) -> Told:
    device = zoo.device()
    code = device.code(zoo.now())
    assert device.spend(code, zoo.now())
    return zoo.exec_fails("--mfa-serial", device.serial, "--mfa-token", code)


@leads_to(errors.MfaDeviceRefused, sends=1)
def a_device_of_somebody_elses(zoo: Zoo) -> Told:
    serial = zoo.world.device.serial.replace("alice", "bob")
    return zoo.exec_fails("--mfa-serial", serial, "--mfa-token", "123456")


@leads_to(errors.MfaForbidden)
def a_user_who_may_make_no_device(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    user.denied.add("iam:CreateVirtualMFADevice")
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        return zoo.fails("mfa", "enroll", "new", env=environment | enrolled)


@leads_to(errors.MfaDeviceExists)
def a_second_device_of_the_same_name(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        return zoo.fails("mfa", "enroll", "dev", env=environment)


@leads_to(errors.MfaDeviceLeft)
def a_device_that_is_nobodys(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    left = user.account.virtual_device(user.name)
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        told = zoo.fails("mfa", "enroll", "new", env=environment | enrolled)
    assert left.serial in user.account.virtual_devices
    return told


@leads_to(errors.MfaDevicesFull)
def a_ninth_device(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    for number in range(8):
        user.fido_device(str(number))
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        return zoo.fails("mfa", "enroll", "new", env=environment | enrolled)


@leads_to(errors.NotTheirDevice)
def a_device_that_is_to_be_removed_from_the_wrong_user(zoo: Zoo) -> Told:
    other, _ = newcomer(zoo)
    theirs = other.mfa_device()
    told = zoo.fails("mfa", "remove", "dev", "--yes", "--mfa-serial", theirs.serial)
    assert list(other.mfa_devices) == [theirs.serial]
    return told


@leads_to(errors.DeviceForbidden)
def a_user_who_may_remove_no_device(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    user.denied.add("iam:DeactivateMFADevice")
    device = user.mfa_device()
    told = zoo.fails("mfa", "remove", "new", "--yes", env=zoo.env(**enrolled))
    assert list(user.mfa_devices) == [device.serial]
    return told


@leads_to(errors.ResyncRefused)
def a_resync_with_another_devices_seed(zoo: Zoo) -> Told:
    stranger, device = SimulatedYubiKey(), zoo.device()
    stranger.add_account(device.serial, b"another twenty bytes")
    with zoo.plugged_in(stranger) as environment:
        told = zoo.fails("mfa", "resync", "dev", "--mfa-serial", device.serial, env=environment)
    assert stranger.calculations == 2
    return told


@leads_to(errors.MfaRemovalUnfinished)
def a_device_that_is_only_deactivated(zoo: Zoo) -> Told:
    device = zoo.device()
    zoo.world.aws.fail_nth(3, Fault.SERVICE_UNAVAILABLE)  # after the look whether it may, and the first half
    return zoo.fails("mfa", "remove", "dev", "--yes", "--mfa-serial", device.serial)


@leads_to(errors.RoleDenied, sends=2)
def a_role_that_wants_an_external_id(zoo: Zoo) -> Told:
    role = zoo.world.alice.account.role("ops", external_id="wanted")
    return zoo.exec_fails(*zoo.given_code(), profile="ops", env=zoo.with_config(_ops(role)))


@leads_to(errors.AccessKeyRefused)
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


@leads_to(errors.DayKeyOver)
def a_clock_that_was_a_day_off_when_the_key_was_touched(zoo: Zoo) -> Told:
    yubikey, key, state = SimulatedYubiKey(), zoo.world.access_key, zoo.directory()
    put_on_key(yubikey, key.id, key.secret)
    enrol(state / "vaultpy", key, zoo.world.alice.arn)
    ledger = state / "vaultpy" / "ledger"
    ledger.mkdir(mode=0o700)
    (ledger / "clock-offset").write_text(f"{24 * HOUR} 0\n")
    with zoo.plugged_in(yubikey) as environment:
        return zoo.exec_fails(*zoo.given_code(), env=environment | {"XDG_STATE_HOME": str(state)})


@leads_to(errors.ClockWrong)
def a_clock_that_is_an_hour_off_is_named_before_a_code_is_spent(zoo: Zoo) -> Told:
    with SimulatedAws(lambda: zoo.now() + HOUR + 30) as later:
        told = zoo.exec_fails(*zoo.given_code(), env=zoo.env(AWS_ENDPOINT_URL=later.url))
    assert "1h 00m behind" in told.lines.message
    assert later.calls == []
    return told


@leads_to(errors.SessionTooShort)
def a_session_that_an_sdk_would_renew_at_every_request(zoo: Zoo) -> Told:
    return zoo.fails("credential-process", "--duration", "15m", "dev-role")


@leads_to(errors.DurationRefused)
def more_than_any_role_gives(zoo: Zoo) -> Told:
    return zoo.exec_fails("--duration", "13h")


@leads_to(errors.DurationRefused, sends=1)
def more_than_this_role_gives(zoo: Zoo) -> Told:
    return zoo.exec_fails(*zoo.given_code(), "--duration", "2h")


@leads_to(errors.MinTtlUnreachable)
def two_hours_of_a_role_that_another_session_assumes(zoo: Zoo) -> Told:
    config = f"[profile ops]\nrole_arn = {zoo.world.role.arn}\nsource_profile = dev\nvaultpy_mfa = shared\n"
    return zoo.exec_fails("--min-ttl", "2h", profile="ops", env=zoo.with_config(config))


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
    stranger = AwsServer(lambda _: Reply(403, _SUBSCRIPTION, {"Content-Type": "text/xml"}), zoo.now)
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


@leads_to(errors.ProxyUnconfirmed)
def a_proxy_that_opens_tls(zoo: Zoo) -> Told:
    bundle = zoo.file(b"certificates")
    inspected = {"HTTPS_PROXY": "http://me:secret@127.0.0.1:1", "AWS_CA_BUNDLE": str(bundle)}
    return zoo.exec_fails(env=zoo.env(AWS_ENDPOINT_URL="", **inspected))


@leads_to(errors.FederationDenied)
def a_user_who_needs_mfa_for_everything(zoo: Zoo) -> Told:
    zoo.world.alice.denied_without_mfa.add("sts:GetFederationToken")
    try:
        return zoo.fails("login", "dev", "--stdout")
    finally:
        zoo.world.alice.denied_without_mfa.clear()


@leads_to(errors.SigninRefused)
def a_sign_in_that_takes_no_such_credentials(zoo: Zoo) -> Told:
    answer = '{{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "x", "SessionToken": "y"}}'
    config = f"[profile other]\ncredential_process = echo '{answer.format('ASIAIOSFODNN7EXAMPLE')}'\n"
    return zoo.fails("login", "other", "--stdout", env=zoo.with_config(config))
