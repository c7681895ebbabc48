"""Volumes and tilt series as arrays of xarray, and back."""

import re
import sys

import numpy as np
import pytest

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.errors.installing import pip_install

xarray = pytest.importorskip("xarray")

BLOBS = GaussianBlobs([[9, -7, 6], [-5, 4, -3]], sigmas=3)
VOLUME = BLOBS.volume((8, 10, 13), voxel_size=(1.1, 2.3, 3.7), center=(0.3, -0.7, 1.9))
GEOMETRY = TiltGeometry.from_tilt_angles(
    [-40.1, 7, 0, 33.3], tilt_axis_angle=85, shifts=np.arange(8.0).reshape(4, 2) / 7
)
SERIES = BLOBS.tilt_series(GEOMETRY, (10, 13), pixel_size=1.7)


def fields(volume):
    """What must come back to the last bit."""
    places = (volume.voxel_size, volume.center, volume.origin)
    return [volume.data.tobytes(), volume.shape, *(place.tolist() for place in places)]


@pytest.mark.parametrize("origin", [None, (0.1, 0.2, 0.3)])
def test_a_volume_comes_back_to_the_last_bit(origin):
    volume = VOLUME.evolve(origin=origin)
    array = volume.to_xarray()
    assert array.dims == ("z", "y", "x")
    assert np.shares_memory(array.values, volume.data)
    for name, places in zip("xyz", volume.grid.axes, strict=True):
        assert np.array_equal(array[name], places)
        assert array[name].units == "angstrom"
    assert ("file_x" in array.coords) is (origin is not None)
    assert fields(Volume.from_xarray(array)) == fields(volume)
    assert fields(Volume.from_xarray(array.transpose("x", "z", "y"))) == fields(volume)


def test_a_series_comes_back_to_the_last_bit():
    array = SERIES.to_xarray()
    assert array.dims == ("tilt", "y", "x")
    assert array.tilt_angle.units == "degree"
    assert np.array_equal(array.tilt_angle, GEOMETRY.tilt_angles)
    back = TiltSeries.from_xarray(array)
    assert back.geometry == GEOMETRY
    assert (back.pixel_size, back.images.tobytes()) == (1.7, SERIES.images.tobytes())


def test_positions_follow_what_xarray_selects():
    volume = VOLUME.evolve(origin=(5, 6, 7))
    cut = Volume.from_xarray(volume.to_xarray().isel(z=slice(2, 7), x=slice(1, None)))
    expected = volume[2:7, :, 1:]
    assert np.array_equal(cut.data, expected.data)
    assert not cut.grid.describe_difference(expected.grid)
    assert cut.origin == pytest.approx(expected.origin)


def test_positions_follow_what_xarray_averages():
    binned = Volume.from_xarray(VOLUME.to_xarray().coarsen(x=2, y=2, z=2, boundary="trim").mean())
    expected = VOLUME.bin(2)
    assert np.allclose(binned.data, expected.data)
    assert not binned.grid.describe_difference(expected.grid)


def test_tilts_and_shifts_follow_what_xarray_selects():
    array = (SERIES * 2).to_xarray().sortby("tilt_angle").isel(x=slice(3, None), y=slice(0, 6))
    back = TiltSeries.from_xarray(array[1:] / 2)
    expected = SERIES.sort()[1:].crop((6, 10), center=(3, 8))
    assert np.array_equal(back.images, expected.images)
    np.testing.assert_allclose(back.geometry.shifts, expected.geometry.shifts)
    assert np.array_equal(back.geometry.tilt_angles, expected.geometry.tilt_angles)


def test_coordinates_may_be_in_any_length():
    array = xarray.DataArray(
        np.zeros((2, 2, 2)),
        {name: (name, [0.0, 0.5], {"units": "nm"}) for name in "zyx"},
        ("z", "y", "x"),
    )
    volume = Volume.from_xarray(array)
    assert volume.voxel_size.tolist() == [5, 5, 5]
    assert volume.center.tolist() == [5, 5, 5]
    assert volume.to_xarray().z.values.tolist() == [0, 5]


def test_fields_of_subclasses_and_of_the_caller_are_kept():
    import attrs

    import libtilt

    @libtilt.frozen
    class Named(Volume):
        label: str = attrs.field(kw_only=True)

    named = Named.from_xarray(VOLUME.to_xarray(), label="a", voxel_size=2.0)
    assert (named.label, named.voxel_size.tolist()) == ("a", [2, 2, 2])


def without_geometry():
    array = SERIES.to_xarray()
    del array.tilt.attrs["geometry"]
    return array


def test_a_geometry_can_be_passed():
    other = TiltGeometry.from_tilt_angles([1, 2, 3, 4])
    assert TiltSeries.from_xarray(without_geometry(), geometry=other).geometry == other
    with pytest.raises(ValueError, match="no attribute 'geometry' on its coordinate 'tilt': pass"):
        TiltSeries.from_xarray(without_geometry())
    with pytest.raises(ValueError, match=r"integers from 0 to 3 .* got \[\]"):
        TiltSeries.from_xarray(SERIES.to_xarray()[:0])
    renumbered = SERIES.to_xarray()
    renumbered = renumbered.assign_coords(tilt=("tilt", [3, 4, 5, 6], renumbered.tilt.attrs))
    with pytest.raises(ValueError, match=r"integers from 0 to 3 .* got \[3, 4, 5, 6\]"):
        TiltSeries.from_xarray(renumbered)


def with_unit(unit):
    array = VOLUME.to_xarray()
    array.y.attrs["units"] = unit
    return array


def one_plane(spacing):
    array = VOLUME.to_xarray()[:1]
    if spacing is None:
        del array.z.attrs["spacing"]
    return array


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (lambda: VOLUME.to_xarray().rename(z="t"), "dimensions z, y, x, got t, y, x: rename"),
        (lambda: VOLUME.to_xarray()[0], "dimensions z, y, x, got y, x"),
        (lambda: VOLUME.to_xarray().drop_vars("z"), "must have a coordinate 'z'"),
        (lambda: with_unit("second"), "unit of length on its coordinate 'y', got 'second': set"),
        (lambda: VOLUME.to_xarray()[::-1], r"evenly increasing positions .* 'z', got steps of -3"),
        (lambda: VOLUME.to_xarray()[[0, 1, 3]], r"'z', got steps of 3\.7 to 7\.4 Å: sort"),
        (lambda: VOLUME.to_xarray()[:0], "'z', its positions, got 0 of float64: select"),
        (
            lambda: VOLUME.to_xarray().assign_coords(x=list("abcdefghijklm")),
            "one number or more on its coordinate 'x', .* of <U1: .* set them",
        ),
        (lambda: one_plane(None), r"its coordinate 'z' has one position: set array\.z\.attrs"),
    ],
)
def test_arrays_of_no_volume_are_refused(array, message):
    with pytest.raises(ValueError, match=message):
        Volume.from_xarray(array())


def test_a_plane_keeps_its_thickness():
    assert Volume.from_xarray(one_plane(3.7)).voxel_size.tolist() == [1.1, 2.3, 3.7]


def test_uneven_pixels_are_refused():
    array = SERIES.to_xarray()[:, ::2]
    with pytest.raises(ValueError, match=r"equal spacings along x and y, got 1\.7 and 3\.4 Å"):
        TiltSeries.from_xarray(array)


def test_what_is_no_data_array_is_refused():
    with pytest.raises(TypeError, match=r"array must be an xarray\.DataArray, got ndarray"):
        Volume.from_xarray(VOLUME.data)


def test_a_missing_xarray_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    for work in (VOLUME.to_xarray, SERIES.to_xarray, lambda: Volume.from_xarray(None)):
        with pytest.raises(ImportError, match=re.escape(pip_install("xarray"))):
            work()
