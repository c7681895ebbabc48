"""Derived volumes keep their position in projections, overlays and pictures."""

import itertools
import pickle

import attrs
import numpy as np
import pytest
from helpers import ANY_ROTATION, BACKENDS, BLOBS, EVERY_BACKEND, SINGLE_AXIS, relative_error

from libtilt import (
    GaussianBlobs,
    ImageGrid,
    Projector,
    TiltGeometry,
    Volume,
    VolumeGrid,
)
from libtilt.backends.base import DRIVEN
from libtilt.reconstruction import reconstruct_subvolume

TOLERANCES = {"float32": 1e-6, "float64": 1e-12}
# How near another operator than the trilinear one comes to itself on a part of a smooth volume.
SMOOTH = {"fourier": 2e-2, "numba-factorized": 2e-3, "scipy-0": 0.3, "scipy-3": 2e-6, "auto": 2e-3}
SHAPES = ((15, 16, 17), (16, 15, 18))
SPACINGS = ((1.0, 1.0, 1.0), (1.3, 0.8, 1.1))
NAMES = {id(backend): name for name, backend in BACKENDS.items()}


def operator(backend, driven, spacing, image_shape=(19, 20)):
    """A projector with shifts whose images contain the whole volume."""
    geometry = SINGLE_AXIS if NAMES[id(backend)] in ("sparse", "numba-rows") else ANY_ROTATION
    return Projector(
        geometry, image_grid=ImageGrid(image_shape, 1.2), driven=driven, backend=backend
    )


def allowed(backend, dtype):
    return SMOOTH.get(NAMES[id(backend)], TOLERANCES[dtype])


def blobs_on(shape, spacing, dtype):
    """A smooth volume, zero at its borders, and its copy with zeros outside a box."""
    return BLOBS.volume(shape, voxel_size=spacing).astype(dtype)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_crop_projects_as_its_voxels_do_in_the_whole(backend, dtype, driven, shape, spacing):
    volume = blobs_on(shape, spacing, dtype)
    box = np.s_[3:14, 2:13, 4:16]
    rest = np.zeros(shape, dtype)
    rest[box] = volume.data[box]
    projector = operator(backend, driven, spacing)
    part = projector.forward(volume[box])
    whole = projector.forward(volume.evolve(data=rest))
    assert relative_error(part, whole) <= allowed(backend, dtype)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(("shape", "spacing"), tuple(zip(SHAPES, SPACINGS, strict=True)))
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_the_slabs_of_a_grid_sum_to_the_whole(backend, dtype, driven, shape, spacing, axis):
    volume = blobs_on(shape, spacing, dtype)
    projector = operator(backend, driven, spacing)
    whole = projector.forward(volume)
    total = 0.0
    for slab in volume.grid.slabs(6, axis=axis):
        part = projector.forward(volume.resample(slab))
        total = total + np.asarray(part, np.float64)
    # Slabs have edges, which nothing that is not local represents.
    name = NAMES[id(backend)]
    limit = {
        "fourier": 0.1,
        "scipy-0": 0.3,
        "scipy-3": 0.05,
        "numba-factorized": 5e-3,
        "auto": 5e-3,
    }
    assert relative_error(total, whole) <= limit.get(name, TOLERANCES[dtype])


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("driven", DRIVEN)
def test_slabs_of_the_adjoint_are_those_of_the_whole(backend, driven):
    projector = operator(backend, driven, SPACINGS[1])
    grid = VolumeGrid((15, 16, 17), SPACINGS[1], (0.5, -1.0, 2.0))
    smooth = BLOBS.tilt_series(projector.geometry, (19, 20), pixel_size=1.2)
    whole = projector.evolve(volume_grid=grid).adjoint(smooth)
    assert whole.grid == grid
    for slab in grid.slabs(6):
        part = projector.evolve(volume_grid=slab).adjoint(smooth)
        limit = {"fourier": 0.1, "scipy-0": 0.3, "scipy-3": 0.05}
        limit |= {"numba-factorized": 5e-3, "auto": 5e-3}
        tolerance = limit.get(NAMES[id(backend)], TOLERANCES["float64"])
        assert relative_error(part, whole.resample(slab)) <= tolerance


@pytest.mark.parametrize(
    ("factor", "errors"), [(2, (0.065, 0.027, 0.015)), (3, (0.13, 0.06, 0.035))]
)
@pytest.mark.parametrize("shape", [(48, 48, 48), (47, 49, 50)])
@pytest.mark.parametrize("driven", DRIVEN)
def test_binned_volumes_and_binned_images_pair(factor, errors, shape, driven):
    """To the interpolation error, which decreases for smoother phantoms."""
    geometry = TiltGeometry.from_tilt_angles(
        range(-60, 61, 30), tilt_axis_angle=12, shifts=(1.5, -0.7)
    )
    centers = np.random.default_rng(0).uniform(-8, 8, (10, 3))
    for sigma, limit in zip((2, 3, 4), errors, strict=True):
        volume = GaussianBlobs(centers, sigma).volume(shape)
        projector = Projector(geometry, driven=driven, backend="numba")
        images = projector.forward(volume).bin(factor)
        binned = Projector(
            images.geometry, image_grid=images.grid, driven=driven, backend="numba"
        ).forward(volume.bin(factor))
        assert relative_error(binned, images) < limit


def test_a_subvolume_cut_at_a_particle_projects_onto_the_particle():
    place = np.array([9.5, -7.25, 4.0])
    blob = GaussianBlobs([place], sigmas=2.0)
    geometry = TiltGeometry.from_tilt_angles(
        np.linspace(-60, 60, 41), tilt_axis_angle=10, shifts=(2.0, -1.5)
    )
    series = blob.tilt_series(geometry, (48, 48))
    projector = Projector(geometry, image_grid=series.grid)
    (cut,) = reconstruct_subvolume(series, place, 15)
    assert cut.center.tolist() == place.tolist()
    images = projector.forward(np.maximum(cut, 0)).images
    seen = geometry.project_points(place) + 24
    v, u = np.indices((48, 48))
    for image, (x, y) in zip(images, seen, strict=True):
        middle = (image * u).sum() / image.sum(), (image * v).sum() / image.sum()
        assert middle == pytest.approx((x, y), abs=0.35)


@attrs.frozen(slots=False, eq=False)
class Named(Volume):
    name: str = attrs.field(default="", kw_only=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: attrs.evolve(v, data=v.data * 2),
        lambda v: v.evolve(voxel_size=v.voxel_size),
        lambda v: v * 2,
        lambda v: v.astype("float32"),
        lambda v: v.normalize(),
        lambda v: pickle.loads(pickle.dumps(v)),
        lambda v: v.rotate(np.eye(3)),
        lambda v: v.pad((20, 21, 22)),
        lambda v: v.crop((3, 3, 3)),
        lambda v: v.resample(v.grid),
        lambda v: np.exp(v),
    ],
)
def test_copies_and_subclasses_keep_the_center(change):
    volume = Named(np.random.default_rng(0).normal(size=(8, 9, 10)), center=(3, -2, 7), name="a")
    changed = change(volume)
    assert type(changed) is Named
    assert (changed.name, changed.center.tolist()) == ("a", [3, -2, 7])


def test_projections_do_not_depend_on_the_origin_of_a_file():
    volume = BLOBS.volume((12, 13, 14))
    elsewhere = volume.evolve(origin=(100.0, 200.0, 300.0))
    projector = Projector(ANY_ROTATION)
    assert np.array_equal(projector.forward(elsewhere), projector.forward(volume))
    assert elsewhere[2:, 1:].origin.tolist() == [100, 201, 302]
    assert elsewhere.bin(2).origin.tolist() == [100.5, 200.5, 300.5]


@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(
    "voxel_size", [(1, 1, 1), (2, 2, 2), (1, 1, 2), (1, 1, 4), (2, 1, 1), (0.5, 0.5, 0.5)]
)
def test_images_have_one_unit_for_any_voxel_size(driven, voxel_size):
    """A projection value is the line integral over the pixel size."""
    geometry = TiltGeometry.from_tilt_angles([-50, 0, 35, 80], tilt_axis_angle=10)
    blobs = GaussianBlobs([[1, -2, 3], [-4, 5, -2]], sigmas=[6, 7])
    extent = 64
    shape = tuple(int(extent // size) for size in voxel_size[::-1])
    # Splats must not leave gaps between pixels: their pixels are as large as the voxels.
    pixel = 1.0 if driven == "ray" else float(max(voxel_size))
    images = Projector(geometry, image_shape=(40, 40), pixel_size=pixel, driven=driven).forward(
        blobs.volume(shape, voxel_size=voxel_size)
    )
    truth = blobs.tilt_series(geometry, (40, 40), pixel_size=pixel)
    limit = 0.02 if driven == "ray" else 0.08
    assert relative_error(images.images, truth.images) < limit


def test_every_pair_of_axes_of_slabs_covers_each_voxel_once():
    grid = VolumeGrid((7, 8, 9), (1.0, 2.0, 3.0), (4, 5, 6))
    for axis, size in itertools.product("xyz", (1, 3, 20)):
        count = np.zeros(grid.shape, int)
        for slab in grid.slabs(size, axis=axis):
            first = np.rint(grid.indices(slab.origin)).astype(int)
            count[tuple(slice(f, f + n) for f, n in zip(first, slab.shape, strict=True))] += 1
        assert (count == 1).all()


def test_layers_of_napari_overlay_each_other():
    volume = BLOBS.volume((16, 16, 16), voxel_size=2.0)
    whole = volume.to_layer_data()[1]
    for part in (volume[3:9, :, 5:], volume.bin(2), volume.pad((20, 20, 20))):
        options = part.to_layer_data()[1]
        scale, start = np.array(options["scale"]), np.array(options["translate"])
        # A voxel of the part, in the frame of both layers, is where the specimen has it.
        place = part.grid.positions([1, 2, 3])[::-1]
        assert np.allclose(start + scale * [1, 2, 3], place)
        index = volume.grid.indices(place[::-1])
        assert np.allclose(whole["translate"] + whole["scale"] * index, place)


def test_a_subvolume_overlays_its_tomogram():
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 5))
    series = BLOBS.tilt_series(geometry, (24, 24))
    tomogram = Projector(geometry, volume_shape=(20, 24, 24), driven="voxel").adjoint(series)
    (cut,) = reconstruct_subvolume(series, [3, -4, 2], 7)
    start = (np.array(cut.to_layer_data()[1]["translate"]) - tomogram.origin[::-1]).tolist()
    assert start == [10 + 2 - 3, 12 - 4 - 3, 12 + 3 - 3]


def test_slices_of_a_crop_are_drawn_where_they_are_in_the_whole():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    from libtilt.plot import orthoslices

    volume = BLOBS.volume((20, 22, 24), voxel_size=2.0)
    crop = volume[4:18, 3:20, 5:22]
    axes = [orthoslices(shown, grid=volume.grid) for shown in (volume, crop)]
    whole, part = ([(i.get_extent(), i.get_array()) for i in ax.images] for ax in axes)
    for (extent, all_of_it), (same, drawn) in zip(whole, part, strict=True):
        assert extent == same
        seen = np.asarray(drawn) != 0
        assert seen.any()
        assert np.array_equal(np.asarray(drawn)[seen], np.asarray(all_of_it)[seen])
    left, right, bottom, top = orthoslices(crop).images[0].get_extent()
    first, last = crop.grid.corners(margin=0.5)[[0, -1]]
    assert np.allclose([left, top, right, bottom], [*first[:2], *last[:2]])
    pyplot.close("all")


def test_volumes_on_different_grids_are_compared_on_one():
    from libtilt.animations import before_after
    from libtilt.quality import fsc

    volume = BLOBS.volume((16, 16, 16))
    moved = volume.evolve(center=(1.0, 0.0, 0.0))
    says = r"centers differ: \[0.0, 0.0, 0.0\] and \[1.0, 0.0, 0.0\]"
    for compare in (
        lambda a, b: a - b,
        lambda a, b: fsc(a, b),
        lambda a, b: before_after(a, b, count=3),
    ):
        with pytest.raises(ValueError, match=says):
            compare(volume, moved)
        compare(volume, moved.resample(volume))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("driven", DRIVEN)
def test_shifts_along_the_beam_do_not_change_projections(backend, driven):
    volume = Volume(np.random.default_rng(2).normal(size=(6, 7, 8)))
    identity = TiltGeometry.from_tilt_angles([0])
    projector = Projector(identity, image_shape=(9, 10), backend=backend, driven=driven)
    expected = projector.forward(volume).images
    for depth in (0.5, 37.0, -5000.0):
        images = projector.forward(volume.evolve(center=(0, 0, depth))).images
        assert np.allclose(images, expected, rtol=0, atol=1e-5)


def test_a_file_with_a_corrected_voxel_size_keeps_its_center_in_voxels(tmp_path):
    path = BLOBS.volume((8, 8, 8))[6:].save(tmp_path / "a.mrc")
    opened = Volume.open(path, voxel_size=2.0)
    assert (opened.center.tolist(), opened.origin.tolist()) == ([0, 0, 6], [-8, -8, 4])


def test_resampled_voxels_inside_do_not_depend_on_the_fill_value():
    ones = Volume(np.ones((1, 1, 5)))
    finer = ones.resample(VolumeGrid((1, 1, 9), (0.5, 1, 1)), fill=np.nan)
    assert np.allclose(finer.data, 1)
    moved = Volume(np.ones((4, 4, 4))).resample(VolumeGrid((4, 4, 4), 1, (0.5, 0, 0)), fill=np.nan)
    assert np.isnan(moved.data).sum() == 16
    assert np.isnan(moved.data[:, :, -1]).all()


def test_voxels_that_drift_apart_are_interpolated():
    ramp = Volume(np.arange(4096.0)[None, None])
    grid = VolumeGrid((1, 1, 2048), (1.00009, 1, 1), (-2048 + 1024 * 1.00009, 0, 0))
    expected = np.arange(2048) * 1.00009
    assert np.allclose(ramp.resample(grid).data[0, 0], expected, atol=1e-6)
