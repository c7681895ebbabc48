"""Where an ``.mdoc`` says its tilt axis: in a title, a key, or the images' RotationAngle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs
import numpy as np

from libtilt.alignment.mdoc_sections import AXIS, Keys
from libtilt.alignment.plausible import axis_angle
from libtilt.alignment.text import number_or_nan, with_decimal_comma

if TYPE_CHECKING:
    from libtilt.alignment.mdoc import MdocFile

# Microscopes and programs round: less than this is the same axis.
_SAME = 2.0
_ROUNDED = 0.05


@attrs.frozen
class MdocAxis:
    """The tilt axis of an ``.mdoc``, None where it has none, and what to check about it."""

    angle: float | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def find(cls, file: MdocFile) -> Self:
        """Return the first axis that titles or keys say, else the RotationAngle of the images.

        Titles are written as ``Tilt axis angle = 85.3`` by SerialEM and as ``TiltAxisAngle =
        -94.3`` by Tomo5.

        Raises
        ------
        ValueError
            If an angle is no number, or lies beyond 360 degrees, or the RotationAngle of images
            differ by more than a degree.
        """
        said = [angle for text, where in _texts(file) for angle in _angles(text, where)]
        where = f"{file.name}, RotationAngle"
        turned = np.array(
            [number_or_nan(s.get("RotationAngle", "nan"), where) for s in file.sections]
        )
        turned = turned[np.isfinite(turned)]
        if said:
            return cls(said[0], tuple(_disagreements(said, turned, file.name)))
        if not turned.size:
            return cls()
        if np.ptp(turned) > 1:
            raise ValueError(
                f"{where} is the only hint at the tilt axis, and goes from {turned.min():g} to "
                f"{turned.max():g}: give tilt_axis_angle=... (--tilt-axis-angle)"
            )
        angle = axis_angle(float(np.median(turned)), where)
        return cls(
            angle,
            (
                f"{file.name} says no tilt axis, its images' RotationAngle of {angle:g} degrees is "
                "taken: check it, or give tilt_axis_angle=... (--tilt-axis-angle)",
            ),
        )


def with_axis(titles: tuple[str, ...], angle: float) -> tuple[str, ...]:
    """Return titles that say a tilt axis, in place of the one that they say."""
    said = [value for title in titles for value in _angles(title, "a title")]
    if not said:
        return (*titles, f"Tilt axis angle = {angle:.8f}")
    if max(abs(value - angle) for value in said) < 1e-6:
        return titles
    return tuple(AXIS.sub(rf"\g<1>{angle:.8f}", title) for title in titles)


def _texts(file: MdocFile) -> list[tuple[str, str]]:
    """Return all texts that may say the axis, each with its place."""
    lines = file.title_lines or (0,) * len(file.titles)
    titles = [
        (title, f"{file.name}, line {line}" if line else f"{file.name}, a title")
        for title, line in zip(file.titles, lines, strict=True)
    ]
    return titles + [
        (f"{key} = {value}", f"{file.name}, {key}")
        for keys in (file.header, *file.sections)
        for key, value in _of_axis(keys).items()
    ]


def _of_axis(keys: Keys) -> Keys:
    return {key: value for key, value in keys.items() if AXIS.search(f"{key} = {value}")}


def _angles(text: str, where: str) -> list[float]:
    try:
        return [
            axis_angle(with_decimal_comma(match[2]), f"{where}, tilt axis angle")
            for match in AXIS.finditer(text)
            if match[2].lower().lstrip("+-") != "nan"
        ]
    except ValueError as error:
        raise ValueError(
            f"{error}; give tilt_axis_angle=... (--tilt-axis-angle) in its place"
        ) from error


def _disagreements(said: list[float], turned: np.ndarray, name: str) -> list[str]:
    """Return sentences where angles of a file contradict each other.

    RotationAngle may be the axis itself or, as SerialEM has it, the angle from x: 90 more. Half a
    turn more or less would change the hand.
    """
    found = []
    others = sorted({angle for angle in said if _apart(angle, said[0], 360) > _ROUNDED})
    if others:
        listed = ", ".join(f"{angle:g}" for angle in others)
        found.append(f"{name} says several tilt axes: {said[0]:g} is taken, not {listed}")
    middle = float(np.median(turned)) if turned.size else said[0]
    if min(_apart(middle, said[0] + more, 360) for more in (0, 90, -90)) > _SAME:
        found.append(
            f"{name} says a tilt axis of {said[0]:g} degrees, which is taken, and RotationAngle "
            f"{np.median(turned):g}, which does not fit: check it, or give tilt_axis_angle=... "
            "(--tilt-axis-angle)"
        )
    return found


def _apart(one: float, other: float, period: float) -> float:
    """Return how far two angles are apart, where a period makes no difference."""
    return abs((one - other + period / 2) % period - period / 2)
