"""A projector is one operator, on given grids or those of its data."""

import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, SINGLE_AXIS, relative_error

from libtilt import (
    ImageGrid,
    Projector,
    TiltGeometry,
    TiltSeries,
    Volume,
    VolumeGrid,
)
from libtilt.backends.base import DRIVEN


def ways():
    """Ways to say spacings: keyword arguments of a projector."""
    grid, images = VolumeGrid((5, 6, 7), 1.5, (1, -2, 0.5)), ImageGrid((8, 9), 1.5)
    yield "nothing", {"volume_shape": (5, 6, 7)}
    yield "voxel size", {"volume_shape": (5, 6, 7), "voxel_size": 2.5}
    yield "voxel sizes", {"volume_shape": (5, 6, 7), "voxel_size": (1.0, 2.0, 3.0)}
    yield "pixel size", {"volume_shape": (5, 6, 7), "pixel_size": 2.5}
    yield "both", {"volume_shape": (5, 6, 7), "voxel_size": 2.0, "pixel_size": 3.0}
    yield "grids", {"volume_grid": grid, "image_grid": images}
    yield "volume grid", {"volume_grid": grid, "image_shape": (8, 9)}
    yield "image grid", {"volume_shape": (5, 6, 7), "image_grid": images}


@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("geometry", [SINGLE_AXIS, SINGLE_AXIS.evolve(shifts=0.0)])
@pytest.mark.parametrize(("way", "options"), tuple(ways()))
def test_all_entry_points_are_one_operator_or_raise(driven, geometry, way, options):
    projector = Projector(geometry, driven=driven, **options)
    if way == "nothing" and geometry.shifts.any():
        for call in (
            lambda: projector.forward(np.ones((5, 6, 7))),
            lambda: projector.adjoint(np.ones((5, 6, 7))),
            projector.linear_operator,
            projector.norm,
            lambda: projector.domain,
            projector.spec,
        ):
            with pytest.raises(ValueError, match=r"voxel_size is required to .* has shifts"):
                call()
        return
    rng = np.random.default_rng(4)
    x = rng.normal(size=projector.domain.shape)
    y = rng.normal(size=(5, *projector.range.shape))
    forward, adjoint = projector.forward(x).images, projector.adjoint(y).data
    size = np.linalg.norm(forward) * np.linalg.norm(y)
    assert abs(np.vdot(forward, y) - np.vdot(x, adjoint)) < 1e-12 * size
    flat = projector.linear_operator("float64")
    assert np.array_equal(flat @ x.ravel(), forward.ravel())
    assert np.array_equal(flat.H @ y.ravel(), adjoint.ravel())
    volume = Volume(x, voxel_size=projector.domain.voxel_size, center=projector.domain.center)
    assert np.array_equal(projector.forward(volume).images, forward)
    series = TiltSeries(y, geometry, pixel_size=projector.range.pixel_size)
    assert np.array_equal(projector.adjoint(series).data, adjoint)
    assert projector.adjoint(series).grid == projector.domain
    assert projector.forward(volume).grid == projector.range


def test_the_operator_between_a_volume_and_a_series_is_fixed():
    volume = BLOBS.volume((12, 13, 14), voxel_size=2.0)[:, 2:]
    projector = Projector(SINGLE_AXIS, image_shape=(16, 17))
    fixed = projector.between(volume)
    assert fixed.volume_grid == volume.grid
    assert fixed.image_grid == ImageGrid((16, 17), 2.0)
    assert fixed.between(volume) is fixed
    assert fixed.domain is fixed.volume_grid
    images = projector.forward(volume)
    assert np.array_equal(fixed.forward(volume.data), images)
    assert np.array_equal(fixed.adjoint(images.images), fixed.adjoint(images))
    with pytest.raises(ValueError, match=r"volume must have the projector's center \[0.0, 2.0,"):
        fixed.forward(volume.evolve(center=(0, 0, 0)))


def test_a_grid_given_twice_raises():
    grid, images = VolumeGrid((4, 5, 6)), ImageGrid((5, 6))
    with pytest.raises(ValueError, match="pass volume_grid, or volume_shape and voxel_size"):
        Projector(SINGLE_AXIS, volume_grid=grid, voxel_size=1.0)
    with pytest.raises(ValueError, match="pass image_grid, or image_shape and pixel_size"):
        Projector(SINGLE_AXIS, image_grid=images, image_shape=(5, 6))
    with pytest.raises(TypeError, match=r"must be a VolumeGrid, got tuple; .* use volume\.grid"):
        Projector(SINGLE_AXIS, volume_grid=(4, 5, 6))


def test_a_grid_away_from_the_rotation_center_needs_an_image_shape():
    beside = BLOBS.volume((16, 16, 16))[:, 9:]
    with pytest.raises(ValueError, match=r"image_shape is required .* \[0.0, 4.0, 0.0\] Å"):
        Projector(SINGLE_AXIS).forward(beside)
    assert Projector(SINGLE_AXIS).forward(BLOBS.volume((16, 16, 16)).bin(2)).shape == (5, 8, 8)
    above = BLOBS.volume((16, 16, 16))[9:]
    assert Projector(SINGLE_AXIS).forward(above).shape == (5, 16, 16)


def test_a_series_in_place_of_a_volume_raises_and_vice_versa():
    volume = BLOBS.volume((5, 6, 6))
    projector = Projector(SINGLE_AXIS, volume_grid=volume.grid)
    series = projector.forward(volume)
    for call in (
        lambda: projector.forward(series),
        lambda: projector.between(series),
        lambda: projector.adjoint(volume),
        lambda: projector.between(None, volume.grid),
        lambda: Volume(volume),
    ):
        with pytest.raises(TypeError, match="must be a"):
            call()


@pytest.mark.parametrize("size", [1.5, (3.0, 3.0, 1.5)])
def test_a_volume_with_another_voxel_size_than_the_domain_raises(size):
    projector = Projector(ANY_ROTATION, volume_shape=(8, 8, 8), pixel_size=3.0)
    assert projector.domain == VolumeGrid((8, 8, 8), 3.0)
    with pytest.raises(ValueError, match=r"volume must have the projector's voxel_size \[3.0, "):
        projector.forward(Volume(np.ones((8, 8, 8)), voxel_size=size))


def test_a_crop_beside_the_center_by_a_voxel_needs_an_image_shape():
    projector = Projector(TiltGeometry.from_tilt_angles([0]))
    with pytest.raises(ValueError, match="image_shape is required"):
        projector.forward(Volume(np.ones((2, 8, 8)))[:, 2:])


def test_a_range_is_known_without_a_volume():
    projector = Projector(SINGLE_AXIS, image_shape=(5, 6), pixel_size=2.0)
    assert projector.range == ImageGrid((5, 6), 2.0)
    assert Projector(SINGLE_AXIS, image_grid=ImageGrid((5, 6))).range == ImageGrid((5, 6))
    beside = VolumeGrid((4, 8, 8), 1.0, (0, 20, 0))
    assert Projector(SINGLE_AXIS, volume_grid=beside).domain is beside


def test_a_fixed_projector_may_be_given_another_geometry():
    volume = BLOBS.volume((8, 9, 10))
    fixed = Projector(TiltGeometry.from_tilt_angles([-30, 0, 30])).between(volume)
    other = fixed.evolve(geometry=ANY_ROTATION)
    exact = Projector(ANY_ROTATION, volume_grid=volume.grid, backend="scipy")
    assert relative_error(other.forward(volume).images, exact.forward(volume).images) < 1e-10


def test_a_binned_odd_volume_names_the_shortest_projector_that_takes_it():
    binned = Volume(np.ones((9, 9, 9)), voxel_size=5.0).bin(2)
    assert binned.center.tolist() == [2.5, 2.5, 2.5]
    message = (
        r"center \[0.0, 0.0, 0.0\], got \[2.5, 2.5, 2.5\] Å: use Projector\(geometry\), which "
        r"takes the grid of its volume, or Projector\(geometry, volume_grid=volume.grid\)"
    )
    with pytest.raises(ValueError, match=message):
        Projector(ANY_ROTATION, volume_shape=binned.shape).forward(binned)
    for projector in (Projector(ANY_ROTATION), Projector(ANY_ROTATION, volume_grid=binned.grid)):
        assert projector.forward(binned).shape == (5, 4, 4)
