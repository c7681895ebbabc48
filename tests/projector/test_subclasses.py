"""What a subclass of `Projector` may override, and who then calls it."""

import attrs
import numpy as np
import pytest

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume, frozen
from libtilt.reconstruction import CGLS, SIRT, TV, LeastSquares, reconstruct, wbp

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 20))
BLOBS = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
VOLUME = BLOBS.volume((8, 8, 8))
RNG = np.random.default_rng(5)


@frozen
class Weighted(Projector):
    """Each image is multiplied by a factor of its tilt."""

    factor: float = attrs.field(default=2.0, kw_only=True)

    def _forward(self, volume):
        return super()._forward(volume) * volume.dtype.type(self.factor)

    def _adjoint(self, images):
        return super()._adjoint(images * images.dtype.type(self.factor))


PLAIN = Projector(GEOMETRY, volume_shape=(8, 8, 8))
WEIGHTED = Weighted(GEOMETRY, volume_shape=(8, 8, 8))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("forward", r"_forward\(self, volume\)"),
        ("__call__", r"_forward\(self, volume\)"),
        ("__matmul__", r"_forward\(self, volume\)"),
        ("adjoint", r"_adjoint\(self, images\)"),
    ],
)
@pytest.mark.parametrize("base", [Projector, Weighted])
def test_overriding_what_solvers_do_not_call_is_refused(base, name, instead):
    message = f"Careless must not override {name}, which solvers .* override {instead} instead"
    with pytest.raises(TypeError, match=message):
        type("Careless", (base,), {name: lambda self, data: data})
    mixin = type("Mixin", (), {name: lambda self, data: data})
    with pytest.raises(TypeError, match=message):
        type("Careless", (mixin, base), {})
    type("Careful", (base, mixin), {})


@pytest.mark.parametrize("name", ["_forward", "_adjoint"])
@pytest.mark.parametrize("base", [Projector, Weighted])
def test_overriding_one_of_a_transposed_pair_is_refused(base, name):
    message = f"Half must override both _forward and _adjoint, in one class.* Half.{name}"
    with pytest.raises(TypeError, match=message):
        type("Half", (base,), {name: lambda self, data: data})


def test_forward_adjoint_calls_and_products_are_one_operator():
    images = WEIGHTED.forward(VOLUME)
    assert np.array_equal(images, 2 * PLAIN.forward(VOLUME).images)
    volume = WEIGHTED.adjoint(images)
    for data in (VOLUME, VOLUME.data):
        for projected in (WEIGHTED(data), WEIGHTED @ data):
            assert type(projected) is TiltSeries
            assert np.array_equal(projected, images)
    for data in (images, images.images):
        for backprojected in (WEIGHTED.T(data), WEIGHTED.T @ data, WEIGHTED.adjoint(data)):
            assert type(backprojected) is Volume
            assert np.array_equal(backprojected, volume)


def test_products_take_the_grids_of_their_data_and_check_them():
    projector = Projector(GEOMETRY, image_grid=BLOBS.tilt_series(GEOMETRY, (9, 7)).grid)
    assert (projector @ VOLUME[2:5]).shape == (7, 9, 7)
    with pytest.raises(ValueError, match="volume must have 3 dimensions"):
        WEIGHTED @ np.ones(512)
    with pytest.raises(TypeError, match="volume must be a Volume or an array, got TiltSeries"):
        WEIGHTED @ WEIGHTED(VOLUME)
    with pytest.raises(TypeError, match="tilt_series must be a TiltSeries or an array, got Vol"):
        WEIGHTED.T @ VOLUME[:7]


def test_linear_operator_and_norm_are_those_of_the_model():
    for made, plain in (
        (WEIGHTED.linear_operator("float64"), PLAIN.linear_operator("float64")),
        (WEIGHTED.T.linear_operator("float64"), PLAIN.T.linear_operator("float64")),
    ):
        x, y = (RNG.normal(size=size) for size in made.shape[::-1])
        assert np.allclose(made @ x, 2 * (plain @ x), rtol=1e-12)
        assert np.allclose(made.H @ y, 2 * (plain.H @ y), rtol=1e-12)
    assert WEIGHTED.norm() == pytest.approx(2 * PLAIN.norm(), rel=1e-6)


@pytest.mark.parametrize(
    "method", ["wbp", SIRT(iterations=6), CGLS(iterations=6), TV(iterations=6)], ids=str
)
def test_every_method_reconstructs_with_the_model(method):
    images = WEIGHTED(VOLUME)
    found = reconstruct(images, method, projector=WEIGHTED, margin=None if method == "wbp" else 0)
    other = reconstruct(images / 2, method, projector=PLAIN, margin=None if method == "wbp" else 0)
    if method == "wbp":
        # A filtered adjoint, which is a reconstruction of plain projections only.
        assert np.allclose(found, 4 * other.data, rtol=1e-4, atol=1e-4)
        assert np.array_equal(found, wbp(images, projector=WEIGHTED))
    else:
        assert np.allclose(found.residuals, other.residuals, rtol=1e-3)
        assert found.residuals[-1] < 0.5


def test_the_norm_of_a_problem_is_that_of_the_model():
    problem, plain = (
        LeastSquares.from_tilt_series(PLAIN(VOLUME), projector=projector)
        for projector in (WEIGHTED, PLAIN)
    )
    assert problem.norm() == pytest.approx(2 * plain.norm(), rel=1e-6)


def test_methods_that_nothing_else_computes_with_may_be_overridden():
    class Known(Weighted):
        """Its norm is known, and its operators are counted."""

        made = 0

        def norm(self, **_):
            return 5.0

        def linear_operator(self, dtype=np.float32):
            Known.made += 1
            return super().linear_operator(dtype)

        @property
        def T(self):  # noqa: N802
            Known.made += 1
            return super().T

    projector = Known(GEOMETRY, volume_shape=(8, 8, 8))
    assert projector.norm() == 5.0
    assert np.array_equal(projector.T(WEIGHTED(VOLUME)), WEIGHTED.adjoint(WEIGHTED(VOLUME)))
    assert projector.linear_operator().shape == (448, 512)
    assert Known.made == 2
