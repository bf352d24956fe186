"""Figures of paired measurements: medians with their range, and the median of the pairs' ratios."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 62


def show(what: str, seconds: Sequence[float]) -> None:
    """Print the median and the range of a duration, in milliseconds."""
    low, middle, high = (1000 * each for each in (min(seconds), median(seconds), max(seconds)))
    print(f"  {what:{_WIDTH}} {middle:7.1f} ms  ({low:.1f} to {high:.1f})")


def show_ratio(what: str, ours: Sequence[float], theirs: Sequence[float], bar: float | None = None) -> None:
    """Print the median of the ratios, each of two measurements made one after the other, beside its bar."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    verdict = "" if bar is None else f"  bar {bar:.2f} x: {_verdict(median(ratios), bar)}"
    print(f"  {what:{_WIDTH}} {median(ratios):7.2f} x   ({min(ratios):.2f} to {max(ratios):.2f}){verdict}")


def show_excess(what: str, seconds: Sequence[float], bar: float) -> None:
    """Print the median and the range of a duration, in milliseconds, beside its bar in seconds."""
    low, middle, high = (1000 * each for each in (min(seconds), median(seconds), max(seconds)))
    verdict = _verdict(median(seconds), bar)
    print(
        f"  {what:{_WIDTH}} {middle:7.1f} ms  ({low:.1f} to {high:.1f})  bar {1000 * bar:.0f} ms: {verdict}"
    )


def show_value(what: str, value: float, bar: float | None = None, unit: str = "") -> None:
    """Print a figure that was taken once, beside its bar; without a unit it is a number of times."""
    verdict = "" if bar is None else f"  bar {bar:g}: {_verdict(value, bar)}"
    print(f"  {what:{_WIDTH}} {value:7.{1 if unit else 0}f} {unit}{verdict}")


def _verdict(value: float, bar: float) -> str:
    return "kept" if value <= bar else "MISSED"
