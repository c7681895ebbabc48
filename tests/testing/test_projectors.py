"""`check_projector` on projectors with their own models."""

import numpy as np
import pytest
from helpers import ANY_ROTATION

from libtilt import Projector, VolumeGrid, frozen
from libtilt.testing import PROJECTOR_LAWS, check_projector


@frozen
class Damped(Projector):
    """Images are multiplied by one factor each."""

    @property
    def factors(self):
        return np.linspace(1, 0.2, len(self.geometry))[:, None, None]

    def _forward(self, volume):
        images = super()._forward(volume)
        return images * self.factors.astype(images.dtype)

    def _adjoint(self, images):
        return super()._adjoint(images * self.factors.astype(images.dtype))


class OffByAFactor(Damped):
    def _forward(self, volume):
        return super()._forward(volume)

    def _adjoint(self, images):
        return super()._adjoint(images) * images.dtype.type(1.0001)


class Affine(Damped):
    def _forward(self, volume):
        return super()._forward(volume) + volume.dtype.type(1e-6)

    def _adjoint(self, images):
        return super()._adjoint(images)


class Widens(Damped):
    def _forward(self, volume):
        return super()._forward(volume).astype("float64")

    def _adjoint(self, images):
        return super()._adjoint(images)


@pytest.mark.parametrize("kind", [Projector, Damped])
@pytest.mark.parametrize("driven", ["ray", "voxel"])
def test_a_linear_model_with_an_exact_adjoint_passes(kind, driven):
    projector = kind(ANY_ROTATION, volume_shape=(7, 8, 9), voxel_size=2.0, driven=driven)
    assert check_projector(projector) == tuple(PROJECTOR_LAWS)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (OffByAFactor, "^OffByAFactor, law 'adjoint', float32: adjoint: <A x, y> = .*mismatch"),
        (Affine, "^Affine, law '(adjoint|linear)', float"),
        (Widens, "^Widens, law 'shapes and dtypes', float32: forward returns float64, expected fl"),
    ],
)
def test_a_broken_model_is_named_with_the_law(kind, message):
    with pytest.raises(AssertionError, match=message):
        check_projector(kind(ANY_ROTATION, volume_grid=VolumeGrid((7, 8, 9))))


def test_what_cannot_be_checked_raises():
    with pytest.raises(ValueError, match="volume_shape is required to define the operator"):
        check_projector(Projector(ANY_ROTATION))
    with pytest.raises(TypeError, match="projector must be a Projector, got type"):
        check_projector(Damped)
