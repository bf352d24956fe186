"""What every client of botocore's has in common here, be it for our calls or for a source of credentials.

It waits for a bounded time, asks no instance for its defaults, and goes to no other endpoint than AWS's or
the one that was passed in.
"""

from __future__ import annotations

from functools import cache

from botocore.config import Config
from botocore.loaders import Loader

from vaultpy.endpoints import is_loopback

CONNECT_SECONDS = 5
READ_SECONDS = 10


def client_config(endpoint_url: str | None, attempts: int) -> Config:
    """Return the configuration of a client for `endpoint_url`, None for AWS's own, that tries so often."""
    named: dict[str, object] = {}
    if endpoint_url is not None:  # as it stands: botocore takes neither setting together with an endpoint
        named = {"use_fips_endpoint": False, "use_dualstack_endpoint": False}
        if is_loopback(endpoint_url):
            named["proxies"] = {}
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        defaults_mode="legacy",  # AWS_DEFAULTS_MODE=auto would ask the instance metadata service
        ignore_configured_endpoint_urls=True,
        user_agent_extra="vaultpy",
        **named,
    )


@cache
def botocores_models() -> Loader:
    """Return what has read a service's model, and the list of all endpoints, once for all clients.

    It knows botocore's own alone: one in ~/.aws/models or AWS_DATA_PATH could lead a request to any host.
    """
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
