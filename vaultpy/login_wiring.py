"""Which real objects stand behind the ports of a sign-in to the console; the rest is `wiring`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.browser import command_for, start, why_none
from vaultpy.execution import obtain
from vaultpy.redirect import OneUseAddress
from vaultpy.tls_inspection import inspection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.browser import Started
    from vaultpy.config import Config
    from vaultpy.credentials import Credentials, LongTerm, Signs
    from vaultpy.index import Index
    from vaultpy.plan import Plan
    from vaultpy.values import Secret
    from vaultpy.wiring import Wiring


class LoginWiring:
    """The objects of one sign-in as `profile`."""

    def __init__(self, run: Wiring, profile: str) -> None:
        """Build nothing yet."""
        self._run = run
        self._profile = profile

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment."""
        return self._run.environ

    @property
    def config(self) -> Config:
        """AWS's files."""
        return self._run.config

    @property
    def index(self) -> Index:
        """What is enrolled."""
        return self._run.index

    def note(self, text: str) -> None:
        """Say what goes on."""
        self._run.terminal.note(text)

    def credentials(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
        """Return what a plan leads to, as `exec` gets it."""
        return obtain(self._run, plan, options)

    def access_key(self, plan: Plan) -> Signs:
        """Return what signs a plan's first call."""
        return self._run.access_key(plan)

    def federation_token(
        self, plan: Plan, signer: LongTerm, name: str, policy_arn: str, seconds: int
    ) -> Credentials:
        """Make a federated user's session; raises what STS raises, and EndpointUnconfirmed."""
        self._run.confirm_endpoint(plan)
        return self._run.sts(plan).federation_token(signer, name, policy_arn, seconds, plan.signer.facts())

    def signin_token(
        self, plan: Plan, endpoint: str, credentials: Credentials, seconds: int | None
    ) -> Secret:
        """Return what the sign-in endpoint gives for credentials."""
        from vaultpy.signin import Signin

        settings = plan.profile.settings
        self._run.confirm_endpoint(plan)  # the session may have been at hand
        self._run.questions.confirm_inspection(inspection(endpoint, settings, self.environ))
        signin = Signin(endpoint, settings, self.environ)
        return signin.token(credentials, seconds, self._profile)

    def browser(self) -> list[str]:
        """Return the command that opens an address; raises NoBrowser."""
        command = command_for(self.environ)
        if command is None:
            raise errors.NoBrowser(reason=why_none(self.environ), profile=self._profile)
        return command

    def open_browser(self, address: str) -> Started:
        """Start it; raises NoBrowser."""
        try:
            return start(self.browser(), address, self.environ)
        except OSError as error:
            raise errors.NoBrowser(reason=error.strerror, profile=self._profile) from error

    def one_use_address(self, url: Secret) -> OneUseAddress:
        """Return an address on this computer that leads to `url`; raises NoBrowser."""
        try:
            return OneUseAddress(url)
        except OSError as error:
            reason = f"no port can be listened on ({error.strerror})"
            raise errors.NoBrowser(reason=reason, profile=self._profile) from error
