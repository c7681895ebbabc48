"""Where an ``.mdoc`` says its tilt axis: in a title, a key, or the images' RotationAngle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import attrs
import numpy as np

from libtilt.alignment.mdoc.sections import AXIS, Keys
from libtilt.alignment.plausible import parse_axis_angle
from libtilt.alignment.text import parse_number_or_nan, replace_decimal_comma
from libtilt.errors import ArgumentError, LibtiltWarning
from libtilt.errors.checks import Float64Array

# Microscopes and programs round: less than this is the same axis.
_SAME = 2.0
_ROUNDED = 0.05
_MENDED_BY = ("tilt_axis_angle",)


@attrs.frozen
class MdocAxis:
    """The tilt axis of an ``.mdoc``, None where it has none, and what to check about it."""

    angle: float | None = None
    warnings: tuple[LibtiltWarning | str, ...] = ()

    @classmethod
    def find(
        cls,
        titles: Sequence[str],
        title_lines: Sequence[int],
        sections: Sequence[Keys],
        name: str,
    ) -> Self:
        """Return the first axis that titles or keys say, else the RotationAngle of the images.

        Titles are written as ``Tilt axis angle = 85.3`` by SerialEM and as ``TiltAxisAngle =
        -94.3`` by Tomo5.

        Parameters
        ----------
        titles : sequence of str
            Without brackets.
        title_lines : sequence of int
            The line of each, or nothing.
        sections : sequence of dict
            Keys of the header, then of each image.
        name : str
            Of the file, for messages.

        Raises
        ------
        ValueError
            If an angle is no number, or lies beyond 360 degrees, or the RotationAngle of images
            differ by more than a degree.
        """
        texts = [*_titles(titles, title_lines, name), *_keys(sections, name)]
        said = [angle for text, where in texts for angle in _angles(text, where)]
        where = f"{name}, RotationAngle"
        turned = np.array(
            [parse_number_or_nan(keys.get("RotationAngle", "nan"), where) for keys in sections[1:]]
        )
        turned = turned[np.isfinite(turned)]
        if said:
            return cls(said[0], tuple(_disagreements(said, turned, name)))
        if not turned.size:
            return cls()
        if np.ptp(turned) > 1:
            raise ArgumentError(
                f"{where} is the only hint at the tilt axis, and goes from {turned.min():g} to "
                f"{turned.max():g}: give tilt_axis_angle=...",
                arguments=_MENDED_BY,
            )
        angle = parse_axis_angle(float(np.median(turned)), where)
        text = (
            f"{name} says no tilt axis, its images' RotationAngle of {angle:g} degrees is taken: "
            "check it, or give tilt_axis_angle=..."
        )
        return cls(angle, (LibtiltWarning(text, arguments=_MENDED_BY),))


def set_axis_in_titles(titles: tuple[str, ...], angle: float) -> tuple[str, ...]:
    """Return titles that say a tilt axis, in place of the one that they say."""
    said = [value for title in titles for value in _angles(title, "a title")]
    if not said:
        return (*titles, f"Tilt axis angle = {angle:.8f}")
    if max(abs(value - angle) for value in said) < 1e-6:
        return titles
    return tuple(AXIS.sub(rf"\g<1>{angle:.8f}", title) for title in titles)


def _titles(titles: Sequence[str], lines: Sequence[int], name: str) -> Iterator[tuple[str, str]]:
    """Yield titles, each with its place."""
    for title, line in zip(titles, lines or (0,) * len(titles), strict=True):
        yield title, f"{name}, line {line}" if line else f"{name}, a title"


def _keys(sections: Sequence[Keys], name: str) -> Iterator[tuple[str, str]]:
    """Yield keys with their values that may say the axis, each with its place."""
    for keys in sections:
        for key, value in keys.items():
            if AXIS.search(f"{key} = {value}"):
                yield f"{key} = {value}", f"{name}, {key}"


def _angles(text: str, where: str) -> list[float]:
    try:
        return [
            parse_axis_angle(replace_decimal_comma(match[2]), f"{where}, tilt axis angle")
            for match in AXIS.finditer(text)
            if match[2].lower().lstrip("+-") != "nan"
        ]
    except ValueError as error:
        raise ArgumentError(
            f"{error}; give tilt_axis_angle=... in its place", arguments=_MENDED_BY
        ) from error


def _disagreements(
    said: list[float], turned: Float64Array, name: str
) -> Iterator[LibtiltWarning | str]:
    """Yield warnings where angles of a file contradict each other.

    RotationAngle may be the axis itself or, as SerialEM has it, the angle from x: 90 more. Half a
    turn more or less would change the hand.
    """
    others = sorted({angle for angle in said if _angular_distance(angle, said[0], 360) > _ROUNDED})
    if others:
        listed = ", ".join(f"{angle:g}" for angle in others)
        yield f"{name} says several tilt axes: {said[0]:g} is taken, not {listed}"
    middle = float(np.median(turned)) if turned.size else said[0]
    if min(_angular_distance(middle, said[0] + more, 360) for more in (0, 90, -90)) > _SAME:
        text = (
            f"{name} says a tilt axis of {said[0]:g} degrees, which is taken, and RotationAngle "
            f"{np.median(turned):g}, which does not fit: check it, or give tilt_axis_angle=..."
        )
        yield LibtiltWarning(text, arguments=_MENDED_BY)


def _angular_distance(one: float, other: float, period: float) -> float:
    """Return how far two angles are apart, where a period makes no difference."""
    return abs((one - other + period / 2) % period - period / 2)
