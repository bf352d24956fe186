"""Which real objects stand behind the ports of `import`; the rest is `wiring`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.moving import Mover

if TYPE_CHECKING:
    from vaultpy.aws_vault import AwsVault
    from vaultpy.wiring import Wiring


def mover(run: Wiring) -> Mover:
    """Return what moves access keys in from other tools; raises KeystoreUnknown."""
    return Mover(
        run.config,
        run.index,
        run.enroller(),
        open_keystore=run.keystore,
        aws=run.aws,
        keystore=run.keystore_name(),
    )


def aws_vault(run: Wiring) -> AwsVault:
    """Return the user's aws-vault."""
    from vaultpy.aws_vault import AwsVault

    return AwsVault(run.environ, run.terminal)
