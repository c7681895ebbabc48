"""The laws, on every backend and on backends that break them."""

import attrs
import numpy as np
import pytest
from helpers import BACKENDS, ToyBackend, specs

from libtilt.backends import Backend, SamplingSpec, SciPyBackend, SparseBackend, available_backends
from libtilt.backends.base import BoundPlan
from libtilt.backends.registry import resolve_backend
from libtilt.testing import CASES, LAWS, check_backend, make_spec

ONE_CASE = ["single axis, odd sizes"]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("backend", "case", "dtype", "driven"),
    [
        pytest.param(backend, *spec, id="-".join((name, *spec)))
        for name, backend in BACKENDS.items()
        for spec in specs(backend)
    ],
)
def test_every_backend_keeps_every_law(law, backend, case, dtype, driven):
    LAWS[law](backend, make_spec(case, dtype=dtype, driven=driven))


def test_the_sparse_backend_takes_every_single_axis_case():
    taken = {case for case, _, _ in specs(SparseBackend())}
    assert taken == {case for case in CASES if "any" not in case and "85" not in case}


@pytest.mark.parametrize("name", available_backends())
def test_check_backend_passes_for_every_registered_backend(name):
    check_backend(resolve_backend(name), cases=["identity", "single axis, small detector"])


def test_check_backend_accepts_names_classes_and_instances():
    check_backend("sparse", cases=["identity"])
    check_backend(SciPyBackend, cases=["identity"])
    with pytest.raises(TypeError, match="backend must be"):
        check_backend(3, cases=["identity"])


def test_check_backend_requires_that_unsupported_specs_are_refused():
    check_backend(SparseBackend(), cases=["identity", "any rotation"])


@attrs.frozen
class WrongScale(ToyBackend):
    def adjoint(self, spec, images):
        return super().adjoint(spec, images) * spec.dtype.type(1.0001)


@attrs.frozen
class WrongDtype(ToyBackend):
    def forward(self, spec, volume):
        return super().forward(spec, volume).astype(np.float64)


@attrs.frozen
class WrongShape(ToyBackend):
    def adjoint(self, spec, images):
        return super().adjoint(spec, images)[:-1]


@attrs.frozen
class HalfPixelOff(ToyBackend):
    """An exact adjoint pair of another operator."""

    def _moved(self, spec):
        return attrs.evolve(spec, grids=spec.grids @ (np.eye(4) + np.eye(4, k=3) / 2))

    def forward(self, spec, volume):
        return super().forward(self._moved(spec), volume)

    def adjoint(self, spec, images):
        return super().adjoint(self._moved(spec), images)


@attrs.frozen
class ChangesItsInput(ToyBackend):
    def forward(self, spec, volume):
        volume -= 0
        return super().forward(spec, volume)


@attrs.frozen
class UnlocksItsInput(ToyBackend):
    def adjoint(self, spec, images):
        result = super().adjoint(spec, images)
        images.flags.writeable = True
        images *= 2
        return result


@attrs.frozen
class NotLinear(ToyBackend):
    def forward(self, spec, volume):
        return super().forward(spec, np.abs(volume))


@attrs.frozen
class Unpicklable(ToyBackend):
    work: object = attrs.field(factory=lambda: lambda: None)


@attrs.frozen
class ForgetsItsOptions(ToyBackend):
    scale: float = 1.0

    def __reduce__(self):
        return (ForgetsItsOptions, ())


class OtherPlan(BoundPlan):
    def adjoint(self, images):
        return super().adjoint(images) * 2


@attrs.frozen
class PlansSomethingElse(ToyBackend):
    def plan(self, spec):
        return OtherPlan(self, spec)


@attrs.frozen
class PlansWhatItRefuses(ToyBackend):
    def unsupported(self, spec):
        return "it is never in the mood"

    def require_supported(self, spec):
        pass


@attrs.frozen
class DependsOnOtherTilts(ToyBackend):
    """Multiplies every image by the number of images."""

    local = "tilts"
    trilinear = False

    def forward(self, spec, volume):
        return super().forward(spec, volume) * spec.dtype.type(len(spec.grids) / 5)

    def adjoint(self, spec, images):
        return super().adjoint(spec, images) * spec.dtype.type(len(spec.grids) / 5)


@attrs.frozen
class SaysSomethingElse(ToyBackend):
    local = "volume"


@pytest.mark.parametrize(
    ("backend", "law", "detail"),
    [
        (
            DependsOnOtherTilts(),
            "local",
            r"forward: local is 'tilts', but .* on Block",
        ),
        (SaysSomethingElse(), "local", "local must be .* got 'volume'"),
        (WrongScale(), "adjoint", r"<A x, y> = .* relative mismatch .*, allowed"),
        (WrongDtype(), "shapes and dtypes", "forward returns float64, expected float32"),
        (WrongShape(), "shapes and dtypes", r"adjoint returns shape \(6, 9, 11\)"),
        (HalfPixelOff(), "conventions", "rays of the conventions: relative error"),
        (ChangesItsInput(), "shapes and dtypes", "read-only"),
        (UnlocksItsInput(), "shapes and dtypes", "adjoint modifies the images"),
        (Unpicklable(), "pickle", "[Pp]ickle|local object"),
        (ForgetsItsOptions(scale=2.0), "pickle", r"got ForgetsItsOptions\(scale=1.0\)"),
        (PlansSomethingElse(), "plan", "adjoint differs from the backend's"),
        (PlansWhatItRefuses(), "refusal", "plan must raise an UnsupportedSpecError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ToyBackend) else "",
)
def test_check_backend_catches_broken_backends_and_names_law_and_case(backend, law, detail):
    message = rf"{type(backend).__name__}\(.*law '{law}', case 'single axis, odd sizes'.*{detail}"
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        check_backend(backend, cases=ONE_CASE)


def test_the_linearity_law_catches_nonlinear_backends():
    with pytest.raises(AssertionError, match="linearity of forward: relative error"):
        LAWS["linear"](NotLinear(), make_spec("identity"))


def test_check_backend_fails_without_a_supported_case():
    with pytest.raises(AssertionError, match="supports none of the cases"):
        check_backend(SparseBackend(), cases=["any rotation"])


def test_check_backend_raises_for_an_unknown_case():
    with pytest.raises(KeyError, match="no such case"):
        check_backend(SciPyBackend(), cases=["no such case"])


@pytest.mark.parametrize("case", CASES)
def test_specs_of_cases_have_the_shapes_of_the_case(case):
    projector = CASES[case]
    spec = make_spec(case, dtype="float32", driven="voxel")
    assert isinstance(spec, SamplingSpec)
    assert (len(spec.grids), spec.volume_shape, spec.image_shape) == (
        len(projector.geometry),
        projector.domain.shape,
        projector.range.shape,
    )
    assert (spec.dtype, spec.driven) == (np.float32, "voxel")


@attrs.frozen
class MirroredNearest(SciPyBackend):
    """Not the plain operator, and wrong: its images are mirrored and negative."""

    order: int = attrs.field(default=0, kw_only=True)

    def forward(self, spec, volume):
        return -7 * super().forward(spec, volume)[:, :, ::-1]

    def adjoint(self, spec, images):
        return -7 * super().adjoint(spec, np.ascontiguousarray(images[:, :, ::-1]))


def test_other_operators_are_checked_against_the_conventions():
    with pytest.raises(AssertionError, match=r"law 'conventions'.*smooth data"):
        check_backend(MirroredNearest())


@attrs.frozen
class Zeros(ToyBackend):
    def forward(self, spec, volume):
        return np.zeros(spec.images_shape, spec.dtype)

    def adjoint(self, spec, images):
        return np.zeros(spec.volume_shape, spec.dtype)


@attrs.frozen
class ZeroAdjoint(ToyBackend):
    def adjoint(self, spec, images):
        return np.zeros(spec.volume_shape, spec.dtype)


@attrs.frozen
class NotANumber(ToyBackend):
    def forward(self, spec, volume):
        return super().forward(spec, volume) * spec.dtype.type(np.nan)


class Undecorated(Backend):
    name = "undecorated"

    def forward(self, spec, volume):
        return SciPyBackend().forward(spec, volume)

    def adjoint(self, spec, images):
        return SciPyBackend().adjoint(spec, images)


@attrs.frozen
class Twice(ToyBackend):
    def forward(self, spec, volume):
        return 2 * super().forward(spec, volume)

    def adjoint(self, spec, images):
        return 2 * super().adjoint(spec, images)


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (Zeros(), "adjoint: all projections of random data are zero"),
        (ZeroAdjoint(), "adjoint: all backprojections of random data are zero"),
        (NotANumber(), "adjoint: projections of random data have NaN or infinite values"),
        (
            Undecorated(),
            "^Undecorated, law 'pickle', .*expected Undecorated, got Undecorated: backends compare "
            "and pickle by their fields; decorate Undecorated with @libtilt.frozen",
        ),
        (Twice(), "relative error 1, .*; the result is 2 times the expected one$"),
        (
            MirroredNearest(),
            "smooth data: .*; the result is -7.* times the expected one, mirrored along axis 2$",
        ),
        (HalfPixelOff(), "; check for a mirrored axis, a center off by half a pixel and a factor"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Backend) else "",
)
def test_check_backend_says_what_is_wrong(backend, message):
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        check_backend(backend, cases=ONE_CASE)


def test_check_backend_returns_the_laws_and_reports_progress():
    calls = []
    cases = ["identity", "any rotation"]
    checked = check_backend(SparseBackend(), cases=cases, progress=lambda *one: calls.append(one))
    assert checked == (*LAWS, "fork", "refusal")
    assert calls == [(done, 8) for done in range(1, 9)]
