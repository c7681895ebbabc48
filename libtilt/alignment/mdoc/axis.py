"""The tilt axis angle of an ``.mdoc``: in a title, a key, or the images' RotationAngle."""

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

# Smaller differences, in degrees, are due to rounding.
_SAME = 2.0
_ROUNDED = 0.05
_MENDED_BY = ("tilt_axis_angle",)


@attrs.frozen
class MdocAxis:
    """The tilt axis angle of an ``.mdoc``, None if absent, and warnings about it."""

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
        """Return the first axis angle in titles or keys, else the RotationAngle of the images.

        SerialEM writes titles as ``Tilt axis angle = 85.3``, Tomo5 as ``TiltAxisAngle = -94.3``.
        `sections` are the keys of the header, then of each image. Raises a ValueError for invalid
        angles, and if the RotationAngle, used as the only source, varies by more than a degree.
        """
        texts = [*_titles(titles, title_lines, name), *_keys(sections, name)]
        found = [angle for text, where in texts for angle in _angles(text, where)]
        where = f"{name}, RotationAngle"
        turned = np.array(
            [parse_number_or_nan(keys.get("RotationAngle", "nan"), where) for keys in sections[1:]]
        )
        turned = turned[np.isfinite(turned)]
        if found:
            return cls(found[0], tuple(_disagreements(found, turned, name)))
        if not turned.size:
            return cls()
        if np.ptp(turned) > 1:
            raise ArgumentError(
                f"{where} varies from {turned.min():g} to {turned.max():g} degrees, and there "
                "is no tilt axis angle: pass tilt_axis_angle=...",
                arguments=_MENDED_BY,
            )
        angle = parse_axis_angle(float(np.median(turned)), where)
        text = (
            f"no tilt axis angle in {name}; using its RotationAngle of {angle:g} degrees. Check "
            "it, or pass tilt_axis_angle=..."
        )
        return cls(angle, (LibtiltWarning(text, arguments=_MENDED_BY),))


def set_axis_in_titles(titles: tuple[str, ...], angle: float) -> tuple[str, ...]:
    """Return titles with the tilt axis angle replaced, or added."""
    found = [value for title in titles for value in _angles(title, "a title")]
    if not found:
        return (*titles, f"Tilt axis angle = {angle:.8f}")
    if max(abs(value - angle) for value in found) < 1e-6:
        return titles
    return tuple(AXIS.sub(rf"\g<1>{angle:.8f}", title) for title in titles)


def _titles(titles: Sequence[str], lines: Sequence[int], name: str) -> Iterator[tuple[str, str]]:
    """Yield titles and their locations."""
    for title, line in zip(titles, lines or (0,) * len(titles), strict=True):
        yield title, f"{name}, line {line}" if line else f"{name}, a title"


def _keys(sections: Sequence[Keys], name: str) -> Iterator[tuple[str, str]]:
    """Yield keys that may hold the axis angle, with values and locations."""
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
            f"{error}; pass tilt_axis_angle=... instead", arguments=_MENDED_BY
        ) from error


def _disagreements(
    found: list[float], turned: Float64Array, name: str
) -> Iterator[LibtiltWarning | str]:
    """Yield warnings if tilt axis angles in a file contradict each other.

    RotationAngle may be the axis angle itself or, in SerialEM, 90 degrees more (from x). A
    difference of 180 degrees would change the handedness.
    """
    others = sorted(
        {angle for angle in found if _angular_distance(angle, found[0], 360) > _ROUNDED}
    )
    if others:
        listed = ", ".join(f"{angle:g}" for angle in others)
        yield f"{name} has several tilt axis angles; using {found[0]:g} degrees, not {listed}"
    middle = float(np.median(turned)) if turned.size else found[0]
    if min(_angular_distance(middle, found[0] + more, 360) for more in (0, 90, -90)) > _SAME:
        text = (
            f"{name} has a tilt axis angle of {found[0]:g} degrees, but a RotationAngle of "
            f"{np.median(turned):g}; using the former. Check it, or pass tilt_axis_angle=..."
        )
        yield LibtiltWarning(text, arguments=_MENDED_BY)


def _angular_distance(one: float, other: float, period: float) -> float:
    """Return the distance of two angles modulo a period."""
    return abs((one - other + period / 2) % period - period / 2)
