"""botocore's providers of credentials, for profiles whose credentials are not vaultpy's: one at a time.

Which provider it is has been decided (`vaultpy.sources`), and no other is tried after it. Logging is the
caller's to switch off: botocore logs what it gets.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore import credentials as providers
from botocore.exceptions import (
    ClientError,
    ConfigParseError,
    HTTPClientError,
    InvalidConfigError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.tokens import SSOTokenProvider
from botocore.utils import InstanceMetadataFetcher, JSONFileCache, resolve_imds_endpoint_mode

from vaultpy import sources
from vaultpy.aws_failures import not_answered
from vaultpy.aws_source_session import SourceSession
from vaultpy.config import Config, expand
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.endpoints import is_trusted
from vaultpy.errors import EndpointUnconfirmed, SourceFailed, SsoLoginNeeded, VaultpyError
from vaultpy.source_process import SourceProcesses
from vaultpy.trace import trace
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from vaultpy.source_process import SourceProcess
    from vaultpy.sources import ForeignSource

UNKNOWN_END_SECONDS = 15 * 60
"""How long credentials count as valid whose end their source does not tell: AWS gives none for less."""

_SERVICES = {sources.SSO: ("sso", "sso-oidc"), sources.WEB_IDENTITY: ("sts",)}
_NOTHING = {
    sources.ENVIRONMENT: "AWS_ACCESS_KEY_ID is not set",
    sources.CONTAINER: "no AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI is set",
    sources.INSTANCE: "there is no answer, or no role",
}
_LONGEST_REASON = 200


def trusted_alone(endpoint_url: str | None, _: Mapping[str, str]) -> None:
    """Raise EndpointUnconfirmed for an endpoint that is neither AWS's STS nor on this computer."""
    if endpoint_url is not None and not is_trusted(endpoint_url):
        raise EndpointUnconfirmed(host=endpoint_url)


def resolve(
    source: ForeignSource,
    environ: Mapping[str, str],
    confirm_endpoint: Callable[[str | None, Mapping[str, str]], None] = trusted_alone,
    processes: SourceProcesses | None = None,
) -> AccessKey | Credentials:
    """Return the source's credentials, or the access key that it turns out to be.

    `confirm_endpoint` raises where no token may go, `processes` starts a `credential_process`. Temporary
    credentials whose end is not told are said to end in UNKNOWN_END_SECONDS. Raises SourceFailed,
    SsoLoginNeeded, Unreachable, TlsFailed, RegionUnknown, and what reading the config raises. Besides
    `environ` botocore reads this process's own environment: proxies, certificates, the address of the
    instance's metadata.
    """
    config = Config.load(environ)
    profile = config.profile(source.name)
    endpoints = {name: config.endpoint_url(name, profile) for name in _SERVICES.get(source.kind, ())}
    for endpoint_url in endpoints.values():
        confirm_endpoint(endpoint_url, profile.settings)
    processes = processes or SourceProcesses(environ, trace, apart=False)
    asked = _Asked(source, environ, SourceSession(profile, environ, endpoints), processes)
    found = asked.attempt()
    if isinstance(found, Exception):
        trace(f"{source.kind} failed: {type(found).__name__}")
        raise asked.meaning(found)
    return found


class _Asked:
    """One source, asked once."""

    def __init__(
        self,
        source: ForeignSource,
        environ: Mapping[str, str],
        session: SourceSession,
        processes: SourceProcesses,
    ) -> None:
        self._source = source
        self._environ = environ
        self._session = session
        self._processes = processes
        self._process: SourceProcess | None = None

    def attempt(self) -> AccessKey | Credentials | Exception:
        """Return what was found, or what botocore raised.

        What is raised in its stead is raised later, so that it has no `__context__`: botocore's exceptions
        hold what a process has printed, and answers with credentials in them.
        """
        try:
            self._processes.check_circle(self._source)
            found = self._provider().load()
            if found is None:
                return self._failed(_NOTHING.get(self._source.kind, "there are none"))
            # Or what has less than 15 minutes left would be asked for again at once. There is no public way.
            found._advisory_refresh_timeout = found._mandatory_refresh_timeout = 0  # noqa: SLF001  # see above
            frozen = found.get_frozen_credentials()
        except Exception as failure:  # noqa: BLE001  # whatever a stranger's answer makes botocore trip over
            return failure
        return self._converted(frozen, getattr(found, "_expiry_time", None))

    def _provider(self) -> Any:  # noqa: ANN401  # one of botocore's
        session, name = self._session, self._source.name
        if session.asked_for.has_keys_in_credentials and self._source.kind == sources.PLAIN_KEYS:
            return providers.SharedCredentialProvider(session.credentials_path, name)
        make: dict[str, Callable[[], Any]] = {
            sources.PLAIN_KEYS: lambda: providers.ConfigProvider(session.asked_for.path, name),
            sources.ENVIRONMENT: lambda: providers.EnvProvider(self._environ),
            sources.CONTAINER: lambda: providers.ContainerProvider(self._environ),
            sources.INSTANCE: self._instance_metadata,
            sources.SSO: self._identity_center,
            sources.WEB_IDENTITY: lambda: providers.AssumeRoleWithWebIdentityProvider(
                self._settings, session.create_client, name, cache={}, disable_env_vars=True
            ),
            sources.PROCESS: lambda: providers.ProcessProvider(name, self._settings, self._start),
        }
        return make[self._source.kind]()

    def _settings(self) -> Any:  # noqa: ANN401  # botocore's own type
        return self._session.full_config

    def _identity_center(self) -> Any:  # noqa: ANN401  # botocore's own type
        name, session = self._source.name, self._session
        # The AWS CLI's own: a token that is renewed here must be found there.
        tokens = JSONFileCache(expand("~/.aws/sso/cache", self._environ), dumps_func=_token_text)
        return providers.SSOProvider(
            self._settings,
            session.create_client,
            name,
            token_cache=tokens,
            token_provider=SSOTokenProvider(session, cache=tokens, profile_name=name),
        )

    def _instance_metadata(self) -> Any:  # noqa: ANN401  # botocore's own type
        session = self._session
        settings = ("ec2_metadata_service_endpoint", "ec2_metadata_v1_disabled")
        fetcher = InstanceMetadataFetcher(
            timeout=session.get_config_variable("metadata_service_timeout"),
            num_attempts=session.get_config_variable("metadata_service_num_attempts"),
            env=self._environ,
            user_agent=session.user_agent(),
            config={
                "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
                **{name: session.get_config_variable(name) for name in settings},
            },
        )
        return providers.InstanceMetadataProvider(fetcher)

    def _start(self, words: list[str], *, stdout: int, stderr: int) -> SourceProcess:
        self._process = self._processes.start(self._source.name, words, stdout=stdout, stderr=stderr)
        return self._process

    def _converted(self, frozen: Any, end: datetime | None) -> AccessKey | Credentials | SourceFailed:  # noqa: ANN401  # botocore's own type
        texts = [frozen.access_key, frozen.secret_key, *([frozen.token] if frozen.token else [])]
        if not all(
            isinstance(text, str) and text and text.isascii() and text.isprintable() for text in texts
        ):
            return self._failed("they are nothing that an environment can hold")
        if not frozen.token:
            return AccessKey(frozen.access_key, Secret(frozen.secret_key))
        expiration = int(end.timestamp()) if end else int(time.time()) + UNKNOWN_END_SECONDS
        key_id, secret, token = texts
        return Credentials(key_id, Secret(secret), Secret(token), expiration)

    # ---- what went wrong -----------------------------------------------------------------------------

    def meaning(self, failure: Exception) -> VaultpyError:
        """Return the error for what `attempt` returned."""
        if isinstance(failure, VaultpyError):
            return failure
        if isinstance(failure, (SSOError, TokenRetrievalError)) or self._found_no_token(failure):
            return SsoLoginNeeded(profile=self._source.name)
        if isinstance(failure, (BotocoreConnectionError, HTTPClientError)) and self._session.host:
            return not_answered(failure, self._session.host, under_way=False)
        return self._failed(_reason(failure) or self._what_it_did())

    def _found_no_token(self, failure: Exception) -> bool:
        """Tell whether it is what botocore trips over when the file with the token is damaged."""
        return self._source.kind == sources.SSO and isinstance(failure, (KeyError, ValueError))

    def _failed(self, reason: str) -> SourceFailed:
        kind = self._source.kind
        if kind == sources.PROCESS:
            command = self._session.asked_for.settings[kind]
            kind = " ".join([kind, *sources.split_command(command)[:1]])
        return SourceFailed(profile=self._source.name, source=kind, reason=reason[:_LONGEST_REASON])

    def _what_it_did(self) -> str:
        """Return in a few words what went wrong; never what a process or a server said."""
        if self._source.kind != sources.PROCESS:
            return "its answer makes no sense"
        if self._process is None:
            return "its words cannot be told apart"
        if self._process.returncode:
            return f"it ended with status {self._process.returncode}"
        return "what it printed is not what AWS's SDKs want"


def _reason(failure: Exception) -> str:
    """Return what an exception says of itself that no secret can be in; '' where it may be anything."""
    kwargs = getattr(failure, "kwargs", {})
    text = ""
    if isinstance(failure, OSError):
        text = failure.strerror or ""
    elif isinstance(failure, ClientError):
        text = f"AWS refused: {(failure.response.get('Error') or {}).get('Code')}"
    elif isinstance(failure, PartialCredentialsError):
        text = f"{kwargs.get('cred_var')} is missing"
    elif isinstance(failure, ConfigParseError):
        text = f"botocore cannot read {kwargs.get('path')}"
    elif isinstance(failure, InvalidConfigError):  # names and addresses of the config
        text = str(failure).rstrip(".")
    elif isinstance(failure, RuntimeError):  # so botocore calls credentials that are expired from the start
        text = "those that it gives have ended"
    return text.replace("The ", "the ", 1) if text.startswith("The ") else text


def _token_text(token: object) -> str:
    """Return what the AWS CLI writes for a token of Identity Center."""
    return json.dumps(token, default=lambda end: end.strftime("%Y-%m-%dT%H:%M:%SZ"))
