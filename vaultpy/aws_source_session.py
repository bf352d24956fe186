"""botocore's session of one profile, for `aws_sources.py`: with the settings that vaultpy has read.

Its clients are those of `aws_api` in what matters: they wait for a bounded time, know botocore's own service
models alone (one in ~/.aws/models could lead a request to any host), and go to no other endpoint than AWS's
or the one that was passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

from vaultpy.config import expand
from vaultpy.endpoints import is_loopback
from vaultpy.regions import check_region, sts_region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.profile import Profile

CONNECT_SECONDS = 5
READ_SECONDS = 10
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
        self.credentials_path = expand(
            environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), environ
        )
        self.host = ""
        self._endpoints = endpoints
        self.set_config_variable("config_file", profile.path)
        self.set_config_variable("credentials_file", self.credentials_path)
        models = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
        self.register_component("data_loader", models)

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
            config=config.merge(_client_config(endpoint_url)),
        )
        self.host = urlsplit(client.meta.endpoint_url).hostname or ""
        return client


def _client_config(endpoint_url: str | None) -> Config:
    named: dict[str, object] = {}
    if endpoint_url is not None:  # as it stands: botocore takes neither setting together with an endpoint
        named = {"use_fips_endpoint": False, "use_dualstack_endpoint": False}
        if is_loopback(endpoint_url):
            named["proxies"] = {}
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
        defaults_mode="legacy",  # `auto` would ask the instance metadata service
        ignore_configured_endpoint_urls=True,
        user_agent_extra="vaultpy",
        **named,
    )
