"""A proxy may read what goes to AWS only by certificates of its own, and then a person is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaultpy.tls_inspection import Inspection, inspection

if TYPE_CHECKING:
    from pathlib import Path

AWS = "https://sts.eu-central-1.amazonaws.com"


def by_proxy(_: str) -> str:
    return "http://proxy.example.com:3128"


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
def test_a_proxy_with_certificates_of_its_own_may_read(variable: str) -> None:
    for url in (None, AWS):
        found = inspection(url, {variable: "/company.pem"}, {variable: "/company.pem"}, by_proxy)
        assert found == Inspection("proxy.example.com:3128", "/company.pem")


def test_neither_a_proxy_alone_nor_certificates_alone_are_asked_about() -> None:
    assert inspection(AWS, {}, {}, by_proxy) is None
    assert inspection(AWS, {}, {"AWS_CA_BUNDLE": "/company.pem"}, lambda _: None) is None


def test_this_computer_is_reached_without_a_proxy() -> None:
    assert inspection("http://localhost:4566", {}, {"AWS_CA_BUNDLE": "/company.pem"}, by_proxy) is None


def test_a_host_of_awss_that_is_reached_without_a_proxy_says_nothing_of_the_others() -> None:
    def proxy_of(url: str) -> str | None:
        return None if url == "https://sts.amazonaws.com" else "http://proxy:3128"

    assert inspection(None, {}, {"AWS_CA_BUNDLE": "/company.pem"}, proxy_of) is not None


def test_another_file_behind_the_same_link_is_another_question(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).touch()
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(tmp_path / name)
        found.append(inspection(AWS, {"ca_bundle": f"{tmp_path}/link"}, {}, by_proxy))
    assert found == [Inspection("proxy.example.com:3128", str(tmp_path / name)) for name in ("one", "two")]


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:pass@proxy:3128",
        "https://me:pa@ss@proxy:3128/",
        "me:p//a/ss@proxy:3128",
        "http://proxy:3128/path",
        "proxy:3128",
    ],
)
def test_of_the_proxys_address_nothing_but_host_and_port_is_told(proxy: str) -> None:
    found = inspection(AWS, {}, {"AWS_CA_BUNDLE": "/company.pem"}, lambda _: proxy)
    assert found == Inspection("proxy:3128", "/company.pem")


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "any.amazonaws.com"),
        ({"region": "eu-central-1"}, "any.amazonaws.com"),
        ({"region": "cn-north-1"}, "any.amazonaws.com.cn"),
        ({"region": "eu-central-1", "use_dualstack_endpoint": "true"}, "any.api.aws"),
        ({"region": "cn-north-1", "use_dualstack_endpoint": "True"}, "any.api.amazonwebservices.com.cn"),
    ],
)
def test_the_way_is_that_to_the_hosts_of_the_region_and_the_stack(
    settings: dict[str, str], host: str
) -> None:
    found = inspection(None, settings, {"AWS_CA_BUNDLE": "/company.pem"}, lambda url: url)
    assert found == Inspection(host, "/company.pem")
