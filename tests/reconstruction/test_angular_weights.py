"""Angular weights for weighted back-projection."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, TiltGeometry
from libtilt.reconstruction import wbp
from libtilt.reconstruction.angular_weights import angular_weights

# Wide for their voxels, and without symmetry.
BLOBS = GaussianBlobs(
    [[7, -4, 5], [-8, 6, -3], [1, 7, -8]], sigmas=[5, 6, 5.5], amplitudes=[1, 1.5, 2]
)


def turned(geometry, angle):
    """Rotation matrices with the detector turned about the beam."""
    return geometry.rotation_matrices @ Rotation.from_euler("z", -angle, degrees=True).as_matrix()


def interior_error(volume, truth):
    """The greatest error where the object is dense, relative to its density."""
    inside = truth > 0.5 * truth.max()
    return np.abs(volume - truth)[inside].max() / truth.max()


def test_uneven_tilts_are_weighted_by_their_angular_share():
    uneven = np.concatenate([np.arange(-90, 0, 1.0), np.arange(0, 90, 3.0)])
    geometry = TiltGeometry.from_tilt_angles(uneven)
    assert_allclose(angular_weights(geometry).sum(), np.pi)
    volume = wbp(BLOBS.tilt_series(geometry, (64, 64)), volume_shape=(56, 56, 56))
    assert interior_error(volume.data, BLOBS.volume((56, 56, 56)).data) < 0.02


def test_weights_do_not_depend_on_order_or_on_turning_the_whole_specimen():
    angles = np.random.default_rng(3).permutation([-62, -60, -57, -20, -1, 0, 4, 30, 31, 55])
    weights = angular_weights(TiltGeometry.from_tilt_angles(angles))
    turned = TiltGeometry.from_rotations(
        Rotation.from_euler("zx", [40, 20], degrees=True).as_matrix()
        @ TiltGeometry.from_tilt_angles(np.sort(angles)).rotation_matrices
    )
    assert_allclose(weights[np.argsort(angles)], angular_weights(turned))
    assert_allclose(angular_weights(TiltGeometry.from_tilt_angles([12.0])), np.pi)
    twice = angular_weights(TiltGeometry.from_tilt_angles([-60, 0, 0, 60]))
    assert_allclose(np.degrees(twice), [60, 30, 30, 60])


def test_an_angular_weight_is_half_the_gaps_on_both_sides():
    """At the ends, where nothing lies beyond, the gap within counts for both."""
    geometry = TiltGeometry.from_tilt_angles([-60, -58, -54, -50])
    assert np.allclose(np.degrees(angular_weights(geometry)), [2, 3, 4, 4])
