"""Where a code may go without asking."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from vaultpy.endpoints import host_of, is_loopback, is_plain, is_trusted

AWS = [
    "https://sts.amazonaws.com",
    "https://sts.eu-central-1.amazonaws.com",
    "https://sts.eu-central-1.amazonaws.com/",
    "https://sts.us-gov-west-1.amazonaws.com:443",
    "https://sts-fips.us-east-2.amazonaws.com",
    "https://sts.cn-north-1.amazonaws.com.cn",
    "https://sts.eu-central-1.api.aws",
    "https://sts.eusc-de-east-1.amazonaws.eu",
    "https://iam.amazonaws.com",
    "https://iam-fips.amazonaws.com",
    "https://iam.us-gov.amazonaws.com",
    "https://iam.cn-north-1.amazonaws.com.cn",
    "HTTPS://STS.EU-CENTRAL-1.AMAZONAWS.COM",
]
LOOPBACK = ["http://localhost:4566", "http://127.0.0.1:1", "https://[::1]:8443/sts", "http://localhost"]
STRANGE = [
    "http://sts.eu-central-1.amazonaws.com",
    "https://vpce-0a1b-2c3d.sts.eu-central-1.vpce.amazonaws.com",
    "https://sts.vpce.amazonaws.com",
    "https://sts.s3.amazonaws.com",
    "https://sts.s3-eu-west-1.amazonaws.com",
    "https://iam.s3.eu-west-1.amazonaws.com",
    "https://sts.eu-west-1.elb.amazonaws.com",
    "https://a.execute-api.eu-west-1.amazonaws.com",
    "https://amazonaws.com",
    "https://sts.eu-central-1.amazonaws.com.evil.example",
    "https://stsx.eu-central-1.amazonaws.com",
    "https://evil-sts.amazonaws.com",
    "https://sts.amazonaws.com.",
    "https://sts.amazonaws.org",
    "https://localhost.evil.example",
    "https://127.0.0.1.evil.example",
    "http://127.0.0.2",
]
TRICKY = [
    "https://evil.example\\@sts.amazonaws.com",
    "https://sts.amazonaws.com@evil.example",
    "https://user:word@sts.amazonaws.com",
    "https://evil.example#@sts.amazonaws.com",
    "https://evil.example?sts.amazonaws.com",
    "https://sts.amazonaws.com%2eevil.example",
    "https://sts.amazonaws.com\tevil.example",
    "https://sts.amazonaws.com\n",
    " https://sts.amazonaws.com",
    "https:sts.amazonaws.com",
    "https:///sts.amazonaws.com",
    "//sts.amazonaws.com",
    "ftp://sts.amazonaws.com",
    "https://sts.amazonaws.com:99999999",
    "https://[::1",
    "https://\u017fts.amazonaws.com",
    "",
]


@pytest.mark.parametrize("url", AWS + LOOPBACK)
def test_aws_s_own_hosts_and_this_computer_are_trusted(url: str) -> None:
    assert is_plain(url)
    assert is_trusted(url)


@pytest.mark.parametrize("url", STRANGE)
def test_other_hosts_are_plain_addresses_to_be_confirmed(url: str) -> None:
    assert is_plain(url)
    assert not is_trusted(url)


@pytest.mark.parametrize("url", TRICKY)
def test_what_could_be_read_in_two_ways_is_neither_plain_nor_trusted(url: str) -> None:
    assert not is_plain(url)
    assert not is_trusted(url)
    assert not is_loopback(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_only_this_computer_is_loopback(url: str) -> None:
    assert is_loopback(url)
    assert not any(map(is_loopback, AWS + STRANGE))


def test_every_region_that_boto3_knows_is_trusted_but_for_the_isolated_partitions() -> None:
    data = Path(botocore.__file__).parent / "data" / "partitions.json"
    partitions = json.loads(data.read_text())["partitions"]
    for partition in partitions:
        suffixes = [partition["outputs"][name] for name in ("dnsSuffix", "dualStackDnsSuffix")]
        for region in partition["regions"]:
            for suffix in suffixes:
                if "-global" not in region:
                    trusted = is_trusted(f"https://sts.{region}.{suffix}")
                    assert trusted == ("-iso" not in partition["id"]), (region, suffix)


@given(
    st.text("ab.:/@\\#?%[]-1 \t", max_size=20),
    st.sampled_from(["sts.amazonaws.com", "127.0.0.1", "localhost"]),
    st.text("ab.:/@\\#?%[]-1 \t", max_size=20),
)
def test_a_plain_url_means_the_same_host_to_the_library_that_connects(
    before: str, host: str, after: str
) -> None:
    url = f"https://{before}{host}{after}"
    if is_trusted(url):
        assert parse_url(url).host == host
    if is_plain(url):
        assert host_of(url).startswith(f"https://{parse_url(url).host}")


def test_a_person_is_shown_scheme_host_and_port() -> None:
    assert host_of("HTTPS://Proxy.Example:8443/aws/sts") == "https://proxy.example:8443"
