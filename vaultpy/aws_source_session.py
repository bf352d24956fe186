"""botocore's session of one profile, for `aws_sources.py`: with the settings that vaultpy has read.

Its clients are those of `aws_api` in what matters (`aws_client_config`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.session import Session

from vaultpy.aws_client_config import botocores_models, client_config
from vaultpy.config import CREDENTIALS_FILE, expand
from vaultpy.regions import check_region, sts_region
from vaultpy.tls_inspection import ca_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.config import Config

    from vaultpy.profile import Profile

_ATTEMPTS = 2  # no code is sent, so that once more does no harm
_SETTINGS = frozenset(
    {
        "credential_process",
        "role_arn",
        "role_session_name",
        "sso_account_id",
        "sso_region",
        "sso_role_name",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    }
)


class SourceSession(Session):  # type: ignore[misc]  # botocore ships no types
    """A session of `asked_for`. `host` is where its last client goes; '' before there is one."""

    def __init__(
        self, profile: Profile, environ: Mapping[str, str], endpoints: Mapping[str, str | None]
    ) -> None:
        """Read nothing yet; `endpoints` has each service, as boto3 spells it, that clients are made for."""
        super().__init__(profile=profile.name)
        self.asked_for = profile
        self.credentials_path = expand(environ.get(CREDENTIALS_FILE, "~/.aws/credentials"), environ)
        self.host = ""
        self._endpoints = endpoints
        self.set_config_variable("config_file", profile.path)
        self.set_config_variable("credentials_file", self.credentials_path)
        self.set_config_variable("ca_bundle", ca_bundle(profile.settings, environ) or True)
        self.register_component("data_loader", botocores_models())

    @property
    def full_config(self) -> Any:  # noqa: ANN401  # botocore's own type
        """What botocore reads in the files, with the settings of the profile as vaultpy has them."""
        read = super().full_config
        own = read["profiles"].get(self.asked_for.name, {})
        kept = {key: value for key, value in own.items() if key not in _SETTINGS}
        ours = {key: text for key, text in self.asked_for.settings.items() if text and key in _SETTINGS}
        return {**read, "profiles": {**read["profiles"], self.asked_for.name: kept | ours}}

    def create_client(self, service_name: str, *, config: Config, **_: object) -> Any:  # noqa: ANN401  # as above
        """Return a client of botocore's; raises RegionUnknown."""
        endpoint_url = self._endpoints[service_name]
        profile = self.asked_for
        region = config.region_name or sts_region(profile.role_arn or "", profile.region)
        check_region(region)
        client = super().create_client(
            service_name,
            region_name=region,
            endpoint_url=endpoint_url,
            config=config.merge(client_config(endpoint_url, _ATTEMPTS)),
        )
        self.host = urlsplit(client.meta.endpoint_url).hostname or ""
        return client
