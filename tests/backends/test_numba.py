"""The compiled kernels: selection, accuracy and caching."""

import sys

import attrs
import numpy as np
import pytest
from helpers import arrays, in_another_python, relative_error
from numpy.testing import assert_array_equal
from scipy import ndimage

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.backends import SamplingSpec, resolve_backend
from libtilt.backends import auto as auto_backend
from libtilt.backends.base import DRIVEN
from libtilt.backends.numba import NumbaBackend
from libtilt.backends.numba.csr_weights import PlaneOfRays, weights_by_pixel, weights_by_voxel
from libtilt.backends.numba.exact import ExactPlan
from libtilt.backends.numba.factorized import FactorizedPlan
from libtilt.backends.numba.kernels.block_copies import copy_block
from libtilt.backends.numba.kernels.compiled import compiled, kernels_digest
from libtilt.backends.numba.kernels.csr_weights import list_entries
from libtilt.backends.numba.kernels.trilinear_rays import SQUARE_SIDE, sum_rays
from libtilt.backends.numba.row_sums import RowSumsPlan, chunk_length
from libtilt.backends.numba.shear import Shear
from libtilt.backends.numba.spline_warps import sample_splines, spread_splines
from libtilt.backends.numba.vector_unit import SWITCH, vector_bytes
from libtilt.backends.scipy import SciPyBackend
from libtilt.backends.splines import PADDING, coefficients
from libtilt.errors import UnsupportedSpecError
from libtilt.testing import CASES, TOLERANCES, make_spec

UNITS = ("1", "0")

TILTED_AXIS = TiltGeometry.from_tilt_angles(
    [-58, -20, 0, 35, 60], tilt_axis_angle=85, x_tilts=2.0, shifts=[1.5, -2.25]
)


def spec_of(geometry, shape, *, dtype="float32", driven="ray", image_shape=None):
    projector = Projector(
        geometry, volume_shape=shape, voxel_size=1.0, image_shape=image_shape, driven=driven
    )
    return projector.spec(dtype)


@pytest.mark.parametrize(
    ("mode", "case", "plan"),
    [
        ("auto", "single axis, odd sizes", RowSumsPlan),
        ("auto", "any rotation", ExactPlan),
        ("rows", "tilt axis along z", RowSumsPlan),
        ("exact", "single axis, odd sizes", ExactPlan),
        ("factorized", "single axis, odd sizes", FactorizedPlan),
    ],
)
def test_the_mode_picks_the_kernel(mode, case, plan):
    assert type(NumbaBackend(mode=mode).plan(make_spec(case))) is plan


def test_rows_refuse_rays_that_leave_the_planes():
    with pytest.raises(UnsupportedSpecError, match="use NumbaBackend"):
        NumbaBackend(mode="rows").plan(make_spec("any rotation"))


@pytest.mark.parametrize("options", [{"mode": "fast"}, {"threads": 0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        NumbaBackend(**options)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(
    ("geometry", "shape", "image_shape"),
    [
        (TiltGeometry.from_tilt_angles([-60, -7, 0, 45]), (21, 150, 40), None),
        (TiltGeometry.from_tilt_angles([0, 33], tilt_axis_angle=90), (18, 35, 101), (101, 35)),
        (TILTED_AXIS, (40, 37, 70), (45, 90)),
    ],
    ids=["along y", "along x", "tilted axis"],
)
def test_more_than_one_tile_and_chunk_agree_with_the_reference(
    geometry, shape, image_shape, driven, dtype, unit, monkeypatch
):
    monkeypatch.setenv(SWITCH, unit)
    spec = spec_of(geometry, shape, dtype=dtype, driven=driven, image_shape=image_shape)
    assert max(spec.images_shape[1:]) > SQUARE_SIDE
    volume, images = arrays(spec)
    reference = SciPyBackend()
    for mode in ("auto", "exact"):
        plan = NumbaBackend(mode=mode).plan(spec)
        tolerance = 1e-6 if dtype == "float32" else 1e-13
        assert relative_error(plan.forward(volume), reference.forward(spec, volume)) < tolerance
        assert relative_error(plan.adjoint(images), reference.adjoint(spec, images)) < tolerance


@pytest.mark.parametrize("driven", DRIVEN)
def test_factorized_is_near_the_exact_kernel_on_smooth_data(driven):
    phantom = GaussianBlobs(
        [[8, -5, 10], [-12, 9, 3], [5, 14, -9]], sigmas=[4, 5, 6], amplitudes=[1, 2, 1.5]
    )
    shape = (60, 64, 72)
    spec = spec_of(TILTED_AXIS, shape, dtype="float64", driven=driven)
    factorized, exact = (NumbaBackend(mode=mode).plan(spec) for mode in ("factorized", "exact"))
    data = phantom.volume(shape).data
    if driven == "ray":
        error = relative_error(factorized.forward(data), exact.forward(data))
    else:
        images = exact.forward(data)
        error = relative_error(factorized.adjoint(images), exact.adjoint(images))
    assert error < 3e-3


@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("tilt_axis_angle", [0, 90])
def test_factorized_is_the_plain_operator_where_rays_stay_in_planes(tilt_axis_angle, driven):
    geometry = TiltGeometry.from_tilt_angles([-60, 0, 41], tilt_axis_angle=tilt_axis_angle)
    spec = spec_of(geometry, (12, 14, 16), dtype="float64", driven=driven)
    volume, images = arrays(spec)
    factorized, exact = (NumbaBackend(mode=mode).plan(spec) for mode in ("factorized", "exact"))
    assert relative_error(factorized.forward(volume), exact.forward(volume)) < 1e-6
    assert relative_error(factorized.adjoint(images), exact.adjoint(images)) < 1e-6


@pytest.mark.parametrize("case", [case for case in CASES if len(make_spec(case).grids) > 2])
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_factorized_on_some_tilts_is_the_operator_on_all_restricted_to_them(case, driven, dtype):
    spec = make_spec(case, dtype=dtype, driven=driven)
    volume, images = arrays(spec)
    whole = NumbaBackend(mode="factorized").plan(spec)
    total = np.zeros(spec.volume_shape)
    projected = np.empty(spec.images_shape)
    for first in range(0, len(images), 2):
        some = slice(first, first + 2)
        part = NumbaBackend(mode="factorized").plan(attrs.evolve(spec, grids=spec.grids[some]))
        projected[some] = part.forward(volume)
        total += part.adjoint(images[some])
    assert relative_error(projected, whole.forward(volume)) < TOLERANCES[dtype]
    assert relative_error(total, whole.adjoint(images)) < TOLERANCES[dtype]


@pytest.mark.parametrize("beam", [[0, 0, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [-1, 1, 0]])
def test_the_shear_axis_of_a_tilt_does_not_depend_on_rounding(beam):
    rng = np.random.default_rng(0)
    beam = np.array(beam) / np.linalg.norm(beam)
    across = np.cross(beam, np.eye(3)[np.abs(beam).argmin()])
    across /= np.linalg.norm(across)
    grids = np.zeros((20, 3, 4))
    rotation = np.stack([across, np.cross(beam, across), beam], axis=1)
    grids[:, :, :3] = rotation + rng.uniform(-1e-15, 1e-15, (20, 3, 3))
    spec = SamplingSpec(grids=grids, volume_shape=(5, 6, 7), image_shape=(6, 7))
    assert [shear.axis for shear in Shear.from_spec(spec)] == [1]


def test_a_single_axis_series_has_one_shear_and_other_series_have_several():
    single_axis = TiltGeometry.from_tilt_angles([-60, 0, 41, 90])
    assert [shear.axis for shear in Shear.from_spec(spec_of(single_axis, (20, 20, 20)))] == [1]
    assert [shear.axis for shear in Shear.from_spec(spec_of(TILTED_AXIS, (20, 20, 20)))] == [1]
    parts = Shear.from_spec(make_spec("any rotation"))
    assert len(parts) > 1
    assert sorted(np.concatenate([shear.tilts for shear in parts])) == list(range(5))


@pytest.mark.parametrize("hardly", [1e-320, 1e-300, 1e-18, -1e-20])
@pytest.mark.parametrize("driven", DRIVEN)
def test_rays_that_hardly_move_along_an_axis_beside_the_volume(driven, hardly):
    grid = np.eye(3, 4)
    grid[0, 1] = grid[0, 2] = grid[2, 0] = hardly
    grid[0, 3] = -3.5
    spec = SamplingSpec(
        grids=[grid], volume_shape=(5, 6, 7), image_shape=(9, 14), dtype="float64", driven=driven
    )
    volume, images = arrays(spec)
    plan = NumbaBackend(mode="exact").plan(spec)
    assert relative_error(plan.forward(volume), SciPyBackend().forward(spec, volume)) < 1e-12
    assert relative_error(plan.adjoint(images), SciPyBackend().adjoint(spec, images)) < 1e-12


def test_a_volume_that_no_ray_meets_gives_empty_images():
    geometry = TiltGeometry.from_tilt_angles([0, 50], shifts=[400.0, 300.0])
    for mode in ("auto", "exact", "factorized"):
        for driven in DRIVEN:
            plan = NumbaBackend(mode=mode).plan(spec_of(geometry, (8, 9, 10), driven=driven))
            assert not plan.forward(np.ones((8, 9, 10), np.float32)).any()
            assert not plan.adjoint(np.ones((2, 9, 10), np.float32)).any()


def test_samples_on_the_faces_of_the_volume_touch_nothing_beyond():
    """Rounding may put them just outside; memory beyond would show as a large value."""
    grid = np.eye(3, 4)
    spec = SamplingSpec(
        grids=[grid + np.eye(3, 4, 3) * shift for shift in (1e-7, -1e-7, 1 - 1e-8, -1 + 1e-8)],
        volume_shape=(5, 6, 7),
        image_shape=(9, 10),
    )
    volume, images = arrays(spec)
    plan = NumbaBackend(mode="exact").plan(spec)
    assert relative_error(plan.forward(volume), SciPyBackend().forward(spec, volume)) < 1e-6
    assert relative_error(plan.adjoint(images), SciPyBackend().adjoint(spec, images)) < 1e-6


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.7])
def test_both_lists_of_weights_hold_the_same_entries(slope):
    spec = make_spec("single axis, even sizes")
    plane = PlaneOfRays(
        grids=spec.grids[:, [2, 0]][:, :, [0, 2, 3]],
        shears=np.tile([slope, 0.5], (len(spec.grids), 1)),
        plane_shape=(8, 12),
        pixels=12,
        driven="ray",
    )
    width = 40
    voxels = weights_by_voxel(plane, width, dtype=np.dtype("f8"), threads=1)
    pixels = weights_by_pixel(voxels, plane, width, threads=1)
    low, high = plane.reach

    def entries(matrix, forward):
        for line, target in enumerate(matrix.targets):
            for entry in range(matrix.starts[line], matrix.starts[line + 1]):
                row, place = divmod(int(matrix.indices[entry]), width)
                if forward:
                    yield (row, target, place + low, matrix.weights[entry])
                else:
                    yield (target, row, high - place, matrix.weights[entry])

    assert sorted(entries(pixels, True)) == sorted(entries(voxels, False))


@pytest.mark.parametrize("length", [1, 5, 40, 88, 89, 336, 1024])
@pytest.mark.parametrize("itemsize", [4, 8])
def test_a_chunk_is_hardly_longer_than_a_row_and_shorter_for_many_threads(length, itemsize):
    counts = [
        chunk_length(length, itemsize, threads) * itemsize // vector_bytes() for threads in (1, 16)
    ]
    vectors = -(-length * itemsize // vector_bytes())
    assert all(count == 1 or count < vectors + 4 for count in counts)
    assert counts[1] <= counts[0]


def test_large_weight_matrices_have_64_bit_indices():
    spec = make_spec("single axis, even sizes")
    plane = PlaneOfRays(
        grids=spec.grids[:, [2, 0]][:, :, [0, 2, 3]],
        shears=np.zeros((len(spec.grids), 2)),
        plane_shape=(8, 12),
        pixels=12,
        driven="ray",
    )
    near, far = (
        weights_by_voxel(plane, width, dtype=np.dtype("f8"), threads=1) for width in (40, 2**32)
    )
    assert near.indices.dtype == np.uint32
    assert_array_equal(far.indices // np.uint64(2**32), near.indices // 40)


copy_alone = compiled(copy_block)


@pytest.mark.parametrize("unit", [(), None], ids=["vector unit", "plain"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (5, 40), (33, 17), (64, 31)])
def test_transposed_copies_write_only_inside_the_target(shape, dtype, unit):
    rows, columns = shape
    source = np.random.default_rng(0).normal(size=(rows + 2, columns + 5)).astype(dtype)
    target = np.full((columns + 3, rows + 4), 7.0, dtype)
    expected = target.copy()
    expected[1 : columns + 1, 2 : rows + 2] = source[1 : rows + 1, 3 : columns + 3].T
    begin, there = columns + 5 + 3, rows + 4 + 2
    steps, turned = (0, columns + 5, 1), (0, 1, rows + 4)
    block = (1, *shape)
    copy_alone(unit, block, source.ravel(), begin, steps, target.reshape(-1), there, turned)
    assert_array_equal(target, expected)
    back = np.zeros_like(source)
    copy_alone(unit, block, target.reshape(-1), there, turned, back.reshape(-1), begin, steps)
    inside = slice(1, rows + 1), slice(3, columns + 3)
    assert_array_equal(back[inside], source[inside])
    back[inside] = 0
    assert not back.any()


TURNED = [[0.8, -0.6, 7.0], [0.6, 0.8, -4.0]]
WARPS = [
    TURNED,
    [[-1, 0, 30.25], [0, -1, 20.5]],
    [[0, 1.3, -9], [1.3, 0, 2]],
    [[1, 0, 99], [0, 1, 0]],
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("matrix", [np.array(warp, float) for warp in WARPS])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_splines_are_those_of_scipy_and_their_spread_is_the_transpose(
    matrix, dtype, unit, monkeypatch
):
    monkeypatch.setenv(SWITCH, unit)
    rng = np.random.default_rng(0)
    source, images = (rng.normal(size=shape).astype(dtype) for shape in ((23, 35), (41, 28)))
    sampled, spread = np.empty_like(images), np.empty_like(source)
    sample_splines(matrix, source, sampled)
    spread_splines(matrix, images, spread)
    v, u = np.indices(images.shape)
    places = [a * u + b * v + c for a, b, c in matrix[::-1]]
    smooth = coefficients(source.astype(float), 3, (0, 1))
    padded = [place + PADDING[3] for place in places]
    expected = ndimage.map_coordinates(
        smooth, padded, order=3, mode="grid-constant", prefilter=False
    )
    scale = np.linalg.norm(source)
    assert np.linalg.norm(sampled - expected) < 1e-6 * scale
    left, right = np.vdot(sampled.astype(float), images), np.vdot(source.astype(float), spread)
    assert abs(left - right) < TOLERANCES[dtype] * scale * np.linalg.norm(images)


def test_kernels_give_the_same_values_as_plain_python():
    cases = ["identity", "single axis, small detector", "tilts about x", "tilt axis along z"]
    code = f"""
from libtilt.backends.numba import NumbaBackend
from libtilt.testing import LAWS, make_spec
for case in {cases[:1]}:
    for mode in ("auto", "exact", "factorized"):
        for driven in ("ray", "voxel"):
            for law in ("adjoint", "conventions"):
                LAWS[law](NumbaBackend(mode=mode, threads=1), make_spec(case, driven=driven))
for case in {cases[1:]}:
    for driven in ("ray", "voxel"):
        LAWS["conventions"](NumbaBackend(threads=1), make_spec(case, driven=driven))
"""
    result = in_another_python(code, NUMBA_DISABLE_JIT="1")
    assert result.returncode == 0, result.stderr


def test_kernels_compile_without_a_writable_cache_folder():
    code = """
import numba.core.caching as caching
def no_locator(self, *arguments):
    raise RuntimeError("cannot cache function: no locator available")
caching.CacheImpl.__init__ = no_locator
from libtilt.backends.numba.kernels.compiled import compiled
assert compiled(lambda x: x + 1)(1) == 2
"""
    result = in_another_python(code)
    assert result.returncode == 0, result.stderr


def test_the_kernel_cache_depends_on_every_kernel_file():
    """A constant of one file is compiled into functions of another."""
    for kernel in (sum_rays, list_entries):
        assert kernel._cache._cache_file._source_stamp == kernels_digest()


def test_compiling_is_announced_and_logged_once():
    code = """
from libtilt.backends.numba.kernels.compiled import on_first_compilation, compiled
import logging, sys
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(name)s")
on_first_compilation(lambda: print("compiling"))
for f in (lambda x: x + 1, lambda x: x + 2):
    compiled(f)(1)
"""
    result = in_another_python(code)
    assert (result.returncode, result.stdout) == (0, "libtilt\ncompiling\n"), result.stderr


def test_without_numba_the_error_names_the_extra_and_auto_works(monkeypatch, request):
    for name in [name for name in sys.modules if name.split(".")[0] == "numba"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in list(sys.modules):
        if name.startswith("libtilt.backends.numba"):
            monkeypatch.delitem(sys.modules, name)
    auto_backend._numba_problem.cache_clear()
    request.addfinalizer(auto_backend._numba_problem.cache_clear)
    with pytest.raises(ImportError, match=r"'numba'.*\[fast\]"):
        resolve_backend("numba")
    auto = resolve_backend("auto")
    assert auto.choose(make_spec("single axis, odd sizes")).name == "sparse"
    assert auto.choose(make_spec("any rotation")).name == "scipy"


def test_every_case_of_rows_is_covered():
    axes = set()
    for case in CASES:
        plan = NumbaBackend().plan(make_spec(case))
        if isinstance(plan, RowSumsPlan):
            axes.add((plan._layout.axis, plan._layout.detector_axis))
    assert {axis for axis, _ in axes} == {0, 1, 2}
    assert {detector_axis for _, detector_axis in axes} == {0, 1}
