"""`repr` and notebooks say the angles of a series in words."""

import numpy as np
import pytest

from libtilt import TiltGeometry, frozen
from libtilt.geometry.describing import describe_shifts, describe_tilt_axis, describe_tilts


@pytest.mark.parametrize(
    ("angles", "text"),
    [
        ([0], "1 tilt at 0°"),
        ([-2.5, 2.5], "2 tilts from -2.5° to 2.5° in steps of 5°"),
        (np.arange(60, -61, -3), "41 tilts from -60° to 60° in steps of 3°"),
        ([0.01, 3.02, -3.0, 6.0], "4 tilts from -3° to 6° in steps of 3.01°"),
        ([-57, -54.1, -51], "3 tilts from -57° to -51° in steps of 3°"),
        ([0, 1, 3], "3 tilts from 0° to 3° in steps of 1° to 2°"),
        ([5, 5], "2 tilts from 5° to 5° in steps of 0°"),
        ([-1e-9, 1], "2 tilts from 0° to 1° in steps of 1°"),
    ],
)
def test_tilts_have_number_range_and_step(angles, text):
    assert describe_tilts(np.array(angles, float)) == text


@pytest.mark.parametrize(
    ("angles", "text"),
    [
        ([85.3], "85.3°"),
        ([85.31, 85.33], "85.31°"),
        ([84, 86], "84° to 86°"),
        ([179.9, -179.9], "179.9° to 180.1°"),
    ],
)
def test_the_tilt_axis_is_one_angle_or_a_range(angles, text):
    assert describe_tilt_axis(np.array(angles, float)) == text


def test_shifts_are_described_by_the_longest():
    assert describe_shifts(np.array([[3.0, 4.0], [0.0, 1.0]])) == "up to 5 Å"
    assert describe_shifts(np.zeros((2, 2))) == "0"


def test_a_geometry_and_its_subclasses_show_their_angles():
    @frozen
    class Dosed(TiltGeometry):
        dose: float = 0.0

    made = Dosed.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85, dose=2.0)
    assert repr(made).endswith(
        "Dosed(rotation_matrices=3 tilts from -3° to 3° in steps of 3°, tilt axis at 85°, "
        "shifts=0, dose=2.0)"
    )


def test_a_notebook_shows_a_table():
    geometry = TiltGeometry.from_tilt_angles(
        [-3, 0, 3], shifts=(3, 4), magnifications=[[1.01, 0], [0, 1]]
    )
    page = geometry._repr_html_()
    assert page.count("<tr>") == 4
    for text in ("TiltGeometry", "3 tilts from -3°", "up to 5 Å", "magnifications"):
        assert text in page
    assert "magnifications" not in TiltGeometry.from_tilt_angles([0])._repr_html_()
