"""Where a code may go without asking."""

from __future__ import annotations

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from vaultpy.endpoints import host_of, is_loopback, is_plain, is_trusted
from vaultpy.errors import RegionUnknown
from vaultpy.regions import check_region, sts_region

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


@pytest.mark.parametrize("service", ["sts", "iam"])
@pytest.mark.parametrize("dual_stack", [False, True])
@pytest.mark.parametrize("fips", [False, True])
def test_wherever_boto3_asks_a_region_is_trusted(service: str, *, dual_stack: bool, fips: bool) -> None:
    loader = Loader()
    partitions = loader.load_data("partitions")
    rules = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]]
    asked = [region for region in regions if "-global" not in region]
    assert len(asked) > 30
    for region in asked:
        check_region(region)
        at = rules.resolve_endpoint(Region=region, UseDualStack=dual_stack, UseFIPS=fips)
        assert is_trusted(at.url), at.url


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


@pytest.mark.parametrize(
    "region",
    [
        "s3",
        "s3-1",
        "a-b-s3",
        "EU-central-1",
        "eu-central",
        "-a-1",
        "us--1",
        "us-east-1.x",
        "us-east-\u0661",
        "",
    ],
)
def test_a_region_that_could_name_another_host_is_none(region: str) -> None:
    with pytest.raises(RegionUnknown):
        check_region(region)


def test_such_a_region_is_told_where_it_would_be_chosen() -> None:
    user = "arn:aws:iam::123456789012:user/alice"
    with pytest.raises(RegionUnknown, match="s3"):
        sts_region(user, None, "s3", "eu-central-1")
    assert sts_region(user, "eu-central-1", "s3") == "eu-central-1"
