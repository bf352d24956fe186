"""An access key that lives on a simulated YubiKey, put there as any program would, and enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yubikit.core import TRANSPORT
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.on_yubikey import PASSWORD
from vaultpy.config_edit import NewProfile, add_profiles
from vaultpy.index import Index
from vaultpy.records import ON_YUBIKEY, Enrolment
from vaultpy.signing_account import account_name, account_secret
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.state import state_directory
from vaultpy.values import Secret

if TYPE_CHECKING:
    from support.world import World
    from vaultpy.simulated.aws_accounts import AccessKey
    from vaultpy.simulated.yubikey import SimulatedYubiKey


def put_on_key(
    yubikey: SimulatedYubiKey,
    key_id: str,
    secret: str,
    *,
    touch: bool = True,
    algorithm: HASH_ALGORITHM = HASH_ALGORITHM.SHA256,
) -> None:
    """Store the account that signs as this access key; on a key that is locked, as `protect` does it."""
    data = CredentialData(account_name(key_id), OATH_TYPE.TOTP, algorithm, account_secret(Secret(secret)))
    session = OathSession(SimulatedConnection(yubikey, TRANSPORT.USB))
    if session.locked:
        session.validate(session.derive_key(PASSWORD))
    session.put_credential(data, touch_required=touch)


def set_password(yubikey: SimulatedYubiKey, password: str) -> None:
    """Have the OATH application want a password."""
    session = OathSession(SimulatedConnection(yubikey, TRANSPORT.USB))
    session.set_key(session.derive_key(password))


def enrol(state: Path, key: AccessKey, user_arn: str, *mfa_serials: str, name: str = "dev") -> None:
    """Let the index of the state directory say that the key's secret is on a YubiKey."""
    Index(str(state / "index")).enrol(
        Enrolment(
            name=name,
            access_key_id=key.id,
            user_arn=user_arn,
            mfa_serials=mfa_serials,
            keystore=ON_YUBIKEY,
            keystore_file="",
            added=0,
        )
    )


def move_to_yubikey(world: World) -> None:
    """Have alice's access key on the YubiKey of her world alone, with the profiles `dev` and `dev-role`."""
    put_on_key(world.yubikey, world.access_key.id, world.access_key.secret)
    state = state_directory(world.environment)
    Path(state).mkdir(mode=0o700, parents=True, exist_ok=True)
    arn = f"arn:aws:iam::{world.alice.account.id}:user/alice"
    enrol(Path(state), world.access_key, arn, world.device.serial)
    role = (("role_arn", world.role.arn), ("source_profile", "dev"))
    profiles = [NewProfile("dev", (("mfa_serial", world.device.serial),)), NewProfile("dev-role", role)]
    add_profiles(world.environment.get("AWS_CONFIG_FILE") or f"{world.home}/.aws/config", profiles)
