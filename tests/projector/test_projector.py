"""Input, output and errors of `Projector`."""

import re

import attrs
import numpy as np
import pytest
from helpers import ANY_ROTATION, BACKENDS, EVERY_BACKEND, SAMPLING, SINGLE_AXIS, geometries, quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import ImageGrid, Projector, TiltGeometry, TiltSeries, Volume, VolumeGrid
from libtilt.backends import SciPyBackend, SparseBackend, registry
from libtilt.backends.base import DRIVEN
from libtilt.errors import UnsupportedSpecError
from libtilt.errors.installing import pip_install

RNG = np.random.default_rng(8)
VOXEL = np.array([1.0, 2.0, 3.0])

side = st.integers(1, 7)
length = st.floats(0.5, 2.5)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-6), ("float64", 1e-12)])
def test_adjoint_is_the_transpose_of_forward(name, driven, dtype, tolerance):
    @quick
    @given(
        geometries(single_axis=name in ("sparse", "numba-rows")),
        st.tuples(side, side, side),
        st.tuples(side, side),
        st.tuples(length, length, length),
        length,
        st.integers(0, 99),
    )
    def law(geometry, volume_shape, image_shape, voxel_size, pixel_size, seed):
        projector = Projector(
            geometry,
            volume_shape=volume_shape,
            image_shape=image_shape,
            voxel_size=voxel_size,
            pixel_size=pixel_size,
            backend=BACKENDS[name],
            driven=driven,
        )
        rng = np.random.default_rng(seed)
        volume = rng.uniform(0.5, 1.5, volume_shape).astype(dtype)
        images = rng.uniform(0.5, 1.5, (len(geometry), *image_shape)).astype(dtype)
        projected = projector.forward(volume).images.astype(np.float64)
        backprojected = projector.adjoint(images).data.astype(np.float64)
        left, right = np.vdot(projected, images), np.vdot(volume, backprojected)
        size = np.linalg.norm(projected) * np.linalg.norm(images)
        # Where a spline's tail is all that meets the detector, nothing but rounding is left.
        rounding = 0.01 * np.linalg.norm(volume) * np.linalg.norm(images)
        assert abs(left - right) <= tolerance * max(size, rounding)

    law()


def test_forward_makes_a_tilt_series_of_the_geometry():
    volume = Volume(np.ones((4, 5, 6), np.float32), voxel_size=VOXEL, origin=(7, 8, 9))
    series = Projector(ANY_ROTATION).forward(volume)
    assert type(series) is TiltSeries
    assert series.geometry is ANY_ROTATION
    assert (series.shape, series.pixel_size, series.dtype) == ((5, 5, 6), 1.0, np.float32)


def test_adjoint_makes_a_volume_of_the_projector():
    series = TiltSeries(np.ones((5, 6, 7)), ANY_ROTATION, pixel_size=2.5)
    volume = Projector(ANY_ROTATION, volume_shape=(4, 3, 8)).adjoint(series)
    assert type(volume) is Volume
    assert (volume.shape, volume.dtype) == ((4, 3, 8), np.float64)
    assert volume.voxel_size.tolist() == [2.5] * 3
    anisotropic = Projector(ANY_ROTATION, volume_shape=(4, 3, 8), voxel_size=VOXEL)
    assert anisotropic.adjoint(series).voxel_size.tolist() == VOXEL.tolist()


@pytest.mark.parametrize("driven", DRIVEN)
def test_arrays_and_objects_give_equal_results(driven):
    projector = Projector(ANY_ROTATION, volume_shape=(4, 5, 6), voxel_size=2.0, driven=driven)
    data, images = RNG.normal(size=(4, 5, 6)), RNG.normal(size=(5, 5, 6))
    volume, series = Volume(data, voxel_size=2.0), TiltSeries(images, ANY_ROTATION, pixel_size=2)
    assert np.array_equal(projector.forward(data), projector.forward(volume))
    assert np.array_equal(projector.adjoint(images), projector.adjoint(series))
    assert np.array_equal(projector.forward(data.tolist()), projector.forward(volume))


def test_spacings_come_from_the_data_or_the_projector():
    data = np.ones((4, 5, 6))
    assert Projector(ANY_ROTATION, pixel_size=3.0).forward(data).pixel_size == 3.0
    assert Projector(ANY_ROTATION, voxel_size=VOXEL * 2).forward(data).pixel_size == 2.0
    assert Projector(ANY_ROTATION).forward(Volume(data, voxel_size=1.7)).pixel_size == 1.7


@pytest.mark.parametrize("backend", SAMPLING)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("image_shape", [(1, 1), (3, 11), (12, 2)])
def test_a_detector_records_its_part_of_a_larger_one(backend, driven, image_shape):
    # Off the ties, which the nearest voxel breaks by rounding.
    geometry = SINGLE_AXIS.evolve(shifts=SINGLE_AXIS.shifts + 0.123)
    volume = RNG.normal(size=(3, 8, 5))
    options = {"voxel_size": 1.0, "backend": backend, "driven": driven}
    large = Projector(geometry, image_shape=(25, 25), **options).forward(volume).images
    small = Projector(geometry, image_shape=image_shape, **options).forward(volume).images
    height, width = image_shape
    top, left = 12 - height // 2, 12 - width // 2
    cut = large[:, top : top + height, left : left + width]
    assert small.shape == (5, height, width)
    if driven == "voxel" and backend == SciPyBackend(order=3, threads=1):
        return  # A spline of an image depends on all of its pixels.
    assert np.allclose(small, cut, rtol=0, atol=1e-5)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: a[::-1], lambda a: a.astype(">f8")])
def test_memory_layout_and_byte_order_do_not_matter(backend, view):
    projector = Projector(SINGLE_AXIS, volume_shape=(4, 5, 6), voxel_size=1.0, backend=backend)
    volume, images = view(RNG.normal(size=(4, 5, 6))), view(RNG.normal(size=(5, 5, 6)))
    plain = np.ascontiguousarray(volume, dtype=float), np.ascontiguousarray(images, dtype=float)
    assert np.array_equal(projector.forward(volume), projector.forward(plain[0]))
    assert np.array_equal(projector.adjoint(images), projector.adjoint(plain[1]))


def test_domain_and_range_are_the_given_grids():
    domain, image_grid = VolumeGrid((4, 5, 6), VOXEL, (1, 2, 3)), ImageGrid((7, 8), 3.0)
    projector = Projector(ANY_ROTATION, volume_grid=domain, image_grid=image_grid)
    assert (projector.domain, projector.range) == (domain, image_grid)
    assert (projector.T.domain, projector.T.range) == (image_grid, domain)
    assert KNOWS_ALL.domain == VolumeGrid((4, 5, 6), voxel_size=2.0)
    assert KNOWS_ALL.range == ImageGrid((7, 8), pixel_size=3.0)


def test_a_missing_spacing_is_taken_from_the_other_grid():
    flat = TiltGeometry.from_tilt_angles([0, 5])
    assert Projector(flat, volume_shape=(4, 5, 6)).range == ImageGrid((5, 6))
    assert Projector(flat, volume_shape=(4, 5, 6), voxel_size=VOXEL).range == ImageGrid((5, 6), 1.0)
    coarse = Projector(flat, volume_shape=(4, 5, 6), pixel_size=3.0)
    assert coarse.domain == VolumeGrid((4, 5, 6), voxel_size=3.0)
    with pytest.raises(ValueError, match="volume_shape is required to define the operator"):
        _ = Projector(flat, image_shape=(5, 6)).domain


@pytest.mark.parametrize("driven", DRIVEN)
def test_between_fixes_the_operator_of_a_volume_and_a_series(driven):
    volume = Volume(RNG.normal(size=(4, 5, 6)), voxel_size=2.0, center=(1, -3, 40))
    series = TiltSeries(RNG.normal(size=(5, 7, 8)), ANY_ROTATION, pixel_size=3.0)
    projector = Projector(ANY_ROTATION, image_shape=(7, 8), pixel_size=3.0, driven=driven)
    operator = projector.between(volume, series)
    assert (operator.domain, operator.range) == (volume.grid, series.grid)
    assert operator.between(volume, series) == operator
    assert operator == projector.between(volume.grid, series.grid)
    assert np.array_equal(operator.forward(volume), projector.forward(volume))
    flat = operator.linear_operator("float64")
    assert np.array_equal(flat @ volume.data.ravel(), operator.forward(volume).images.ravel())
    assert np.array_equal(flat.H @ series.images.ravel(), operator.adjoint(series).data.ravel())
    assert operator.adjoint(series).grid == volume.grid


def test_between_takes_shapes_of_arrays_and_names_the_backend():
    operator = Projector(SINGLE_AXIS, voxel_size=1.0).between(
        np.ones((4, 5, 6)), np.ones((5, 7, 8))
    )
    assert (operator.domain, operator.range) == (VolumeGrid((4, 5, 6)), ImageGrid((7, 8)))
    assert operator.backend.name != "auto"
    with pytest.raises(ValueError, match=r"image_shape \(7, 8\), got \(8, 7\)"):
        operator.between(None, np.ones((5, 8, 7)))


@pytest.mark.parametrize("driven", DRIVEN)
def test_the_spec_and_the_scales_are_the_projector(driven):
    spec = KNOWS_ALL.evolve(driven=driven).spec("float64")
    assert (spec.volume_shape, spec.images_shape) == ((4, 5, 6), (5, 7, 8))
    volume = RNG.normal(size=(4, 5, 6))
    projector = KNOWS_ALL.evolve(driven=driven, backend="scipy")
    images = SciPyBackend().forward(spec, volume) * projector.image_scales[:, None, None]
    assert np.allclose(images, projector.forward(volume).images, rtol=1e-12)
    expected = 2 / 3 if driven == "ray" else (2 / 3) ** 3
    assert projector.image_scales == pytest.approx(expected)


def test_an_array_with_shifts_needs_a_spacing():
    shifted = TiltGeometry.from_tilt_angles([0, 5], shifts=[[0, 0], [2, 0]])
    volume, images = np.ones((4, 5, 6)), np.ones((2, 5, 6))
    plain = Projector(shifted, volume_shape=(4, 5, 6))
    with pytest.raises(ValueError, match="voxel_size is required to project, since"):
        plain.forward(volume)
    with pytest.raises(ValueError, match="voxel_size is required to backproject, since"):
        plain.adjoint(images)
    for option in ({"voxel_size": 1.0}, {"pixel_size": 1.0}):
        assert plain.evolve(**option).forward(volume).shape == images.shape
        assert plain.evolve(**option).adjoint(images).shape == volume.shape
    assert plain.forward(Volume(volume)).shape == images.shape
    assert plain.evolve(geometry=shifted.evolve(shifts=0.0)).forward(volume).shape == images.shape


def test_a_volume_away_from_the_rotation_center_needs_an_image_shape():
    volume = Volume(np.ones((4, 5, 6)), voxel_size=2.0, center=(0, 2.5, 0))
    with pytest.raises(ValueError, match="image_shape is required for a volume away from the"):
        Projector(ANY_ROTATION).forward(volume)
    assert Projector(ANY_ROTATION, image_shape=(9, 9)).forward(volume).shape == (5, 9, 9)
    # Along the beam of an untilted image it is not beside, nor by half a voxel, as binning moves.
    for center in ((0, 0, 40), (1, -1, 1)):
        assert Projector(ANY_ROTATION).forward(volume.evolve(center=center)).shape == (5, 5, 6)


def test_the_short_forms_mean_a_volume_at_the_rotation_center():
    with pytest.raises(
        ValueError, match=r"projector's center \[0.0, 0.0, 0.0\], got \[0.0, 0.0, 4"
    ):
        KNOWS_ALL.forward(Volume(np.ones((4, 5, 6)), voxel_size=2.0, center=(0, 0, 4)))


def test_integers_are_projected_without_overflow():
    volume = np.full((300, 1, 1), 255, np.uint8)
    assert Projector(TiltGeometry.from_tilt_angles([0])).forward(volume).images.item() == 76500


KNOWS_ALL = Projector(
    ANY_ROTATION, volume_shape=(4, 5, 6), image_shape=(7, 8), voxel_size=2.0, pixel_size=3.0
)


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (np.ones((4, 5, 7)), r"volume_shape \(4, 5, 6\), got \(4, 5, 7\)"),
        (
            Volume(np.ones((4, 5, 6)), voxel_size=(2, 2, 2.5)),
            r"voxel_size \[2.0, 2.0, 2.0\], got \[2.0, 2.0, 2.5\]",
        ),
        (np.ones((5, 6)), r"volume must have 3 dimensions, got shape \(5, 6\)"),
        (np.ones((0, 5, 6)), r"volume must not be empty, got shape \(0, 5, 6\)"),
    ],
)
def test_a_mismatched_volume_raises_with_both_values(volume, message):
    with pytest.raises(ValueError, match=message):
        KNOWS_ALL.forward(volume)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (np.ones((4, 7, 8)), "must have one image per tilt: expected 5, got 4"),
        (np.ones((5, 8, 7)), r"image_shape \(7, 8\), got \(8, 7\)"),
        (TiltSeries(np.ones((5, 7, 8)), ANY_ROTATION, pixel_size=2.5), "pixel_size 3.0, got 2.5"),
        (np.ones((7, 8)), r"tilt_series must have 3 dimensions, got shape \(7, 8\)"),
    ],
)
def test_a_mismatched_tilt_series_raises_with_both_values(series, message):
    with pytest.raises(ValueError, match=message):
        KNOWS_ALL.adjoint(series)


def test_spacings_that_differ_by_rounding_agree():
    KNOWS_ALL.forward(Volume(np.ones((4, 5, 6)), voxel_size=np.float32(2.00001)))
    KNOWS_ALL.adjoint(TiltSeries(np.ones((5, 7, 8)), ANY_ROTATION, pixel_size=3.00001))


def test_the_adjoint_needs_the_shape_of_the_volume():
    with pytest.raises(ValueError, match=r"volume_shape is required to backproject: .*, 7, 8\)"):
        Projector(ANY_ROTATION).adjoint(np.ones((5, 7, 8)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nonfinite_values_raise_with_their_index(bad):
    volume, images = np.ones((4, 5, 6), np.float32), np.ones((5, 7, 8))
    volume[1, 2, 3] = volume[3, 0, 0] = images[4, 6, 7] = bad
    with pytest.raises(ValueError, match=r"volume has 2 NaN or .* first at index \(1, 2, 3\)"):
        KNOWS_ALL.forward(volume)
    with pytest.raises(ValueError, match=r"tilt_series has 1 NaN or .* at index \(4, 6, 7\)"):
        KNOWS_ALL.adjoint(images)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"driven": "pixel"}, ValueError, "driven must be one of 'ray', 'voxel', got 'pixel'"),
        ({"volume_shape": (4, 5)}, ValueError, "volume_shape must be 3 positive integers"),
        ({"image_shape": (4, 5, 6)}, ValueError, "image_shape must be 2 positive integers"),
        ({"voxel_size": -1}, ValueError, "voxel_size must be positive"),
        ({"pixel_size": (1, 2)}, ValueError, "pixel_size must be one positive number"),
        (
            {"volume_grid": VolumeGrid((4, 5, 6)), "volume_shape": (4, 5, 6)},
            ValueError,
            "pass volume_grid, or volume_shape and voxel_size, not both",
        ),
        pytest.param(
            {"volume_grid": VolumeGrid((4, 5, 6)), "voxel_size": 1.0},
            ValueError,
            "pass volume_grid, or volume_shape and voxel_size, not both",
        ),
        (
            {"image_grid": ImageGrid((4, 5)), "pixel_size": 1.0},
            ValueError,
            "pass image_grid, or image_shape and pixel_size, not both",
        ),
        ({"volume_grid": (4, 5, 6)}, TypeError, "volume_grid"),
        ({"image_grid": VolumeGrid((4, 5, 6))}, TypeError, "image_grid"),
        ({"backend": "cuda"}, ValueError, "'cuda' is not known: choose from auto, scipy, sparse"),
        (
            {"backend": 3},
            TypeError,
            "backend must be a name, a Backend class or a Backend instance, got 3",
        ),
        (
            {"geometry": np.eye(3)},
            TypeError,
            "geometry must be a TiltGeometry, got ndarray; create one",
        ),
    ],
)
def test_invalid_options_raise(options, error, message):
    with pytest.raises(error, match=message):
        Projector(**{"geometry": ANY_ROTATION} | options)


@pytest.mark.parametrize("given_as", ["sparse", SparseBackend, SparseBackend()])
def test_backends_resolve_from_name_class_and_instance(given_as):
    assert Projector(SINGLE_AXIS, backend=given_as).backend == SparseBackend()


def test_the_error_for_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "gpu", "libtilt_absent_module:GpuBackend")
    monkeypatch.setitem(registry.EXTRAS, "gpu", "torch")
    with pytest.raises(ImportError, match=re.escape(pip_install("torch"))):
        Projector(ANY_ROTATION, backend="gpu")


def test_a_backend_asked_for_by_name_is_never_replaced():
    projector = Projector(ANY_ROTATION, volume_shape=(4, 5, 6), voxel_size=1.0, backend="sparse")
    for call, shape in ((projector.forward, (4, 5, 6)), (projector.adjoint, (5, 5, 6))):
        with pytest.raises(UnsupportedSpecError, match=r"'sparse' does not support.*'auto'"):
            call(np.ones(shape))


def test_evolve_makes_the_changed_copy():
    changed = KNOWS_ALL.evolve(driven="voxel", backend="scipy")
    assert (changed.driven, changed.backend) == ("voxel", SciPyBackend())
    assert (changed.domain, changed.range) == (KNOWS_ALL.domain, KNOWS_ALL.range)
    assert KNOWS_ALL.driven == "ray"
    with pytest.raises(ValueError, match="driven must be one of"):
        KNOWS_ALL.evolve(driven="other")


def test_projectors_are_compared_by_value_frozen_and_unhashable():
    same = attrs.evolve(KNOWS_ALL, voxel_size=np.full(3, 2.0))
    assert same == KNOWS_ALL
    for change in ({"pixel_size": 4}, {"driven": "voxel"}, {"voxel_size": None}):
        assert KNOWS_ALL.evolve(**change) != KNOWS_ALL
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        same.driven = "voxel"
    with pytest.raises(TypeError, match="unhashable"):
        hash(KNOWS_ALL)


@pytest.mark.parametrize("driven", ["ray", "voxel"])
def test_the_norm_is_the_largest_singular_value(driven):
    projector = Projector(
        TiltGeometry.from_tilt_angles([-40, 3, 55], tilt_axis_angle=20),
        volume_shape=(5, 6, 7),
        driven=driven,
    )
    operator = projector.linear_operator("float64")
    largest = np.linalg.svd(operator.matmat(np.eye(operator.shape[1])), compute_uv=False)[0]
    assert projector.norm(tolerance=1e-7, iterations=500) == pytest.approx(largest, rel=1e-4)
    assert projector.norm() == pytest.approx(largest, rel=0.02)


def test_the_norm_needs_a_volume_shape_and_valid_options():
    geometry = TiltGeometry.from_tilt_angles([0])
    with pytest.raises(ValueError, match="volume_shape is required to compute a norm"):
        Projector(geometry).norm()
    known = Projector(geometry, volume_shape=(3, 3, 3))
    with pytest.raises(ValueError, match="tolerance must be one positive number"):
        known.norm(tolerance=0)
    with pytest.raises(ValueError, match="iterations must be a positive integer"):
        known.norm(iterations=0)


def test_a_projector_that_misses_the_volume_has_norm_zero():
    far = TiltGeometry.from_tilt_angles([0], shifts=[[1000, 1000]])
    assert Projector(far, volume_shape=(3, 3, 3), voxel_size=1.0).norm() == 0.0


@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(("dtype", "largest"), [("float32", 3e38), ("float64", 1e308)])
def test_results_that_overflow_raise(driven, dtype, largest):
    projector = Projector(
        TiltGeometry.from_tilt_angles([-3, 0, 3]),
        volume_shape=(8, 8, 8), driven=driven, backend="scipy",
    )  # fmt: skip
    with pytest.raises(ValueError, match=f"projections would hold values beyond .* {dtype}; scale"):
        projector.forward(np.full((8, 8, 8), largest, dtype))
    with pytest.raises(ValueError, match=f"backprojection would hold values beyond .* {dtype}"):
        projector.adjoint(np.full((3, 8, 8), largest, dtype))
    small = projector.adjoint(np.full((3, 8, 8), largest * 1e-3, dtype))
    assert np.isfinite(small.data).all()


@pytest.mark.parametrize("tilt_axis_angle", [0, 10, 85])
def test_a_ray_driven_backprojection_has_a_line_through_the_center_and_a_voxel_driven_one_none(
    tilt_axis_angle,
):
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3), tilt_axis_angle=tilt_axis_angle)
    ones = np.ones((41, 72, 72))
    ray = Projector(geometry, volume_shape=(72, 72, 72)).adjoint(ones).data
    assert ray[36, 36, 35:38] == pytest.approx([39.0, 49.8, 39.0], abs=0.05)
    voxel = Projector(geometry, volume_shape=(72, 72, 72), driven="voxel").adjoint(ones).data
    assert voxel[36, 36, 35:38] == pytest.approx(41)


def test_repr_and_notebook_show_angles_grids_and_backend():
    projector = Projector(TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85))
    assert repr(projector) == (
        "Projector(3 tilts from -3° to 3° in steps of 3°, tilt axis at 85°, "
        "domain=that of the data, range=that of the data, driven='ray', backend=AutoBackend())"
    )
    page = projector.evolve(volume_shape=(4, 8, 8))._repr_html_()
    assert page.count("<tr>") == 6
    assert "auto: numba, factorized" in page
