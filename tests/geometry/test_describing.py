"""`repr` and notebooks say the angles of a series in words."""

import numpy as np
import pytest

from libtilt import TiltGeometry, frozen
from libtilt.geometry.describing import (
    describe_geometry_difference,
    describe_shifts,
    describe_tilt_axis,
    describe_tilts,
)


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


BASE = {"tilt_angles": [-60, 0, 60], "tilt_axis_angle": 179.999, "x_tilts": 3}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"tilt_angles": [-60.005, 0, 60.005]}, ""),
        ({"tilt_axis_angle": -179.999}, ""),
        ({"shifts": [9e-4 * 2, 0]}, ""),
        ({"magnifications": np.diag([1 + 5e-5, 1])}, ""),
        ({"tilt_angles": [60, 0, -60]}, "tilt angles by up to 120°"),
        ({"tilt_angles": [-60, 0, 60.02]}, "tilt angles by up to 0.02°"),
        ({"tilt_axis_angle": -177}, "tilt axis angles by up to 3°"),
        ({"x_tilts": [3, 3, 5]}, "x-tilts by up to 2°"),
        ({"shifts": [0, -4]}, "shifts by up to 4 Å"),
        ({"magnifications": np.diag([1, 1.05])}, "magnifications by up to 0.05"),
        (
            {"tilt_angles": [-59, 0, 60], "shifts": [1, 0]},
            "tilt angles by up to 1°, shifts by up to 1 Å",
        ),
    ],
    ids=str,
)
def test_the_difference_of_geometries_is_described_beyond_the_tolerances(changes, text):
    one, other = (TiltGeometry.from_tilt_angles(**given) for given in (BASE, BASE | changes))
    for pair in ((one, other), (other, one)):
        assert describe_geometry_difference(*pair, pixel_size=2.0) == text


def test_equal_orientations_do_not_differ_where_their_angles_are_ambiguous():
    one = TiltGeometry.from_tilt_angles([90], tilt_axis_angle=20)
    other = TiltGeometry.from_tilt_angles([90 - 1e-9], tilt_axis_angle=50, x_tilts=30)
    other = (
        other
        if np.allclose(one.rotation_matrices, other.rotation_matrices)
        else (TiltGeometry.from_tilt_angles([90 - 1e-9], tilt_axis_angle=50, x_tilts=-30))
    )
    assert np.allclose(one.rotation_matrices, other.rotation_matrices)
    assert describe_geometry_difference(one, other, 1.0) == ""
