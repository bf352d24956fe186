"""Which region's STS is asked: one of the partition that an ARN names."""

from __future__ import annotations

import vaultpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT = "us-east-1"
# How the regions of a partition begin, and one of them; all others are of `aws` (botocore: partitions.json).
_PARTITIONS = {
    "aws-cn": ("cn-", "cn-north-1"),
    "aws-us-gov": ("us-gov-", "us-gov-west-1"),
    "aws-eusc": ("eusc-", "eusc-de-east-1"),
    "aws-iso": ("us-iso-", "us-iso-east-1"),
    "aws-iso-b": ("us-isob-", "us-isob-east-1"),
    "aws-iso-e": ("eu-isoe-", "eu-isoe-west-1"),
    "aws-iso-f": ("us-isof-", "us-isof-south-1"),
}
_NOT_OF_AWS = tuple(begin for begin, _ in _PARTITIONS.values())
_FEWEST_WORDS = 2


def sts_region(arn: str, *configured: str | None) -> str:
    """Return the first of the `configured` regions that is of the ARN's partition, else its default.

    Never the global endpoint, whose session tokens fail in opt-in regions. A region of another partition, as
    `[default]` may lend one, cannot be meant. Raises RegionUnknown.
    """
    parts = arn.split(":")
    begin, default = _PARTITIONS.get(parts[1] if len(parts) > 1 else "aws", ("", _DEFAULT))
    for region in configured:
        if region and (region.startswith(begin) if begin else not region.startswith(_NOT_OF_AWS)):
            check_region(region)
            return region
    return default


def usual_region(environ: Mapping[str, str], default: Mapping[str, str]) -> str:
    """Return the region of a profile that does not exist yet: the environment's, or `[default]`'s."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or default.get("region") or _DEFAULT


def check_region(region: str) -> None:
    """Raise RegionUnknown unless it looks like one: words of lower-case letters, then a number, with hyphens.

    A region becomes a label of the host that is asked: `s3` would make a bucket's host of STS's.
    """
    *words, number = region.split("-")
    letters = "".join(words)
    if (
        len(words) < _FEWEST_WORDS
        or not all(words)
        or not (region.isascii() and letters.isalpha() and letters.islower() and number.isdigit())
    ):
        raise vaultpy.errors.RegionUnknown(region=region)
