import pickle

import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, SINGLE_AXIS, TRILINEAR, geometry_for, relative_error
from scipy import integrate

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.backends.base import DRIVEN


def test_a_volume_holds_the_sum_of_gaussians_at_voxel_centers():
    volume = BLOBS.volume((5, 6, 7), voxel_size=(1.0, 1.5, 2.0))
    z, y, x = np.indices((5, 6, 7))
    points = np.stack([x - 3, (y - 3) * 1.5, (z - 2) * 2.0], axis=-1)
    expected = sum(
        amplitude * np.exp(-((points - center) ** 2).sum(-1) / (2 * sigma**2))
        for center, sigma, amplitude in zip(
            BLOBS.centers, BLOBS.sigmas, BLOBS.amplitudes, strict=True
        )
    )
    assert np.allclose(volume.data, expected, rtol=1e-13)
    assert volume.dtype == np.float64
    assert volume.voxel_size.tolist() == [1.0, 1.5, 2.0]


@pytest.mark.parametrize("pixel_size", [1.0, 2.0])
def test_a_pixel_is_the_line_integral_of_the_gaussians_over_the_pixel_size(pixel_size):
    tilted = ANY_ROTATION[1]
    images = BLOBS.tilt_series(tilted, (4, 5), pixel_size=pixel_size)
    matrix, shift = tilted.rotation_matrices[0], tilted.shifts[0]

    def density(depth, u, v):
        x, y = (u - 2) * pixel_size - shift[0], (v - 2) * pixel_size - shift[1]
        r = ((matrix @ [x, y, depth] - BLOBS.centers) ** 2).sum(axis=1)
        return (BLOBS.amplitudes * np.exp(-r / (2 * BLOBS.sigmas**2))).sum()

    for v, u in ((0, 0), (2, 2), (3, 1)):
        integral = integrate.quad(density, -25, 25, args=(u, v), limit=200)[0]
        assert images.images[0, v, u] == pytest.approx(integral / pixel_size, rel=1e-8)


def test_a_pixel_of_a_magnified_image_is_the_line_integral_at_its_unmagnified_place():
    linear = np.array([[1.2, 0.1], [-0.05, 0.9]])
    tilted = ANY_ROTATION[1].evolve(shifts=(0.0, 0.0))
    image = BLOBS.tilt_series(tilted.evolve(magnifications=linear), (4, 5), pixel_size=2.0)
    for v, u in ((0, 0), (2, 2), (3, 1)):
        x, y = np.linalg.inv(linear) @ [(u - 2) * 2.0, (v - 2) * 2.0]
        plain = BLOBS.tilt_series(tilted.evolve(shifts=(-x, -y)), (1, 1), pixel_size=2.0)
        assert image.images[0, v, u] == pytest.approx(plain.images[0, 0, 0], rel=1e-10)


@pytest.mark.parametrize("driven", DRIVEN)
def test_magnified_projections_converge_to_the_closed_form(driven):
    tilts = ANY_ROTATION[:2].evolve(magnifications=[[1.05, 0.03], [-0.02, 0.96]])
    # What a voxel-driven image of a magnified specimen lacks is the change of area.
    area = 1.0 if driven == "ray" else np.linalg.det(tilts.magnifications[0])
    truth = {"image_shape": (48, 48), "pixel_size": 1.0}
    blobs = GaussianBlobs(BLOBS.centers * 0.8, BLOBS.sigmas * 2.2, BLOBS.amplitudes)
    size = 1.0 if driven == "ray" else 0.5
    volume = blobs.volume((int(46 / size),) * 3, voxel_size=size)
    images = Projector(tilts, backend="scipy", driven=driven, **truth).forward(volume)
    closed_form = blobs.tilt_series(tilts, **truth)
    assert relative_error(images * area, closed_form) < 2e-2


def test_a_tilt_series_knows_its_geometry_and_pixel_size():
    images = BLOBS.tilt_series(SINGLE_AXIS, (4, 5), pixel_size=2.0)
    assert images.geometry == SINGLE_AXIS
    assert (images.shape, images.pixel_size, images.dtype) == ((5, 4, 5), 2.0, np.float64)


def test_a_pixel_of_twice_the_size_at_the_same_place_has_half_of_the_value():
    fine = BLOBS.tilt_series(SINGLE_AXIS, (9, 9), pixel_size=1.0)
    coarse = BLOBS.tilt_series(SINGLE_AXIS, (5, 5), pixel_size=2.0)
    assert np.allclose(coarse.images, fine.images[:, ::2, ::2] / 2, rtol=1e-12)


def test_blobs_are_sampled_at_the_center_of_the_volume():
    whole = BLOBS.volume((9, 10, 11), voxel_size=1.5)
    part = whole[2:, 1:6, 3:]
    again = BLOBS.volume(part.shape, voxel_size=1.5, center=part.center)
    assert np.allclose(again.data, part.data, rtol=1e-12)
    assert again.grid == part.grid


def sampled_error(backend, driven, fineness, tilts, **spacing):
    """Relative error of a projection, with spacings divided by `fineness`."""
    geometry = tilts.evolve(shifts=[1.1, -0.7])
    voxel_size = np.broadcast_to(spacing.get("voxel_size", 2.0), 3) / fineness
    pixel_size = spacing.get("pixel_size", 2.0) / fineness
    blobs = GaussianBlobs(BLOBS.centers * 0.8, BLOBS.sigmas * 2.2, BLOBS.amplitudes)
    shape = tuple(int(46 / size) for size in voxel_size[::-1])
    detector = {"image_shape": (int(48 / pixel_size),) * 2, "pixel_size": pixel_size}
    projector = Projector(geometry, backend=backend, driven=driven, **detector)
    images = projector.forward(blobs.volume(shape, voxel_size=voxel_size))
    return relative_error(images, blobs.tilt_series(geometry, **detector))


# At simple ratios of a tilt's sine and cosine (45 degrees is the worst), the planes of voxels line
# up with the pixels and leave a pattern that does not fade with finer sampling.
TILTS = TiltGeometry.from_tilt_angles([-68, -20, 0, 33, 90])


@pytest.mark.parametrize("backend", TRILINEAR)
@pytest.mark.parametrize("driven", DRIVEN)
def test_sampling_twice_as_fine_makes_the_error_about_a_quarter(backend, driven):
    coarse, fine = (sampled_error(backend, driven, n, TILTS) for n in (1, 2))
    assert 3.2 < coarse / fine < 4.8
    assert fine < 1e-2


@pytest.mark.parametrize("driven", DRIVEN)
def test_projections_at_any_rotation_converge_to_the_closed_form(driven):
    size = 2.0 if driven == "ray" else 1.0
    coarse, fine = (
        sampled_error("scipy", driven, n, ANY_ROTATION[:2], voxel_size=size) for n in (1, 2)
    )
    assert 3.2 < coarse / fine < 4.8
    assert fine < 1e-2


@pytest.mark.parametrize("backend", TRILINEAR)
@pytest.mark.parametrize(
    ("driven", "voxel_size", "pixel_size"),
    [
        ("ray", (1.0, 1.0, 1.0), 1.4),
        ("ray", (0.8, 1.1, 0.9), 0.7),
        ("voxel", (0.5, 0.5, 0.5), 1.0),
        ("voxel", (1 / 2, 1 / 2, 1 / 3), 1.0),
    ],
)
def test_both_pairs_reach_the_closed_form_at_unequal_spacings(
    backend, driven, voxel_size, pixel_size
):
    spacing = {"voxel_size": voxel_size, "pixel_size": pixel_size}
    tilts = geometry_for(backend) if driven == "ray" else TILTS
    assert sampled_error(backend, driven, 1, tilts, **spacing) < 1e-2


def test_random_blobs_depend_on_their_seed():
    first, again, other = (GaussianBlobs.random((32, 30, 34), n=9, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("voxel_size", [1.0, (2.0, 1.0, 3.0)])
def test_random_blobs_stay_three_sigmas_inside_the_ball(voxel_size):
    blobs = GaussianBlobs.random((32, 30, 34), n=500, seed=1, voxel_size=voxel_size)
    radius = (np.array([34, 30, 32]) * voxel_size).min() / 2
    assert (np.linalg.norm(blobs.centers, axis=1) + 3 * blobs.sigmas).max() <= radius
    assert np.linalg.norm(blobs.centers, axis=1).max() > 0.9 * (radius - 3 * blobs.sigmas.max())


def test_random_blobs_have_the_requested_sigmas():
    sigmas = GaussianBlobs.random((32, 32, 32), n=200, seed=1, sigmas=(1.5, 3.0)).sigmas
    assert 1.5 <= sigmas.min() < 1.6
    assert 2.9 < sigmas.max() <= 3.0


@pytest.mark.parametrize("n", [1, 3, 10, 21, 400])
def test_a_ribosome_like_particle_is_deterministic_and_has_n_blobs(n):
    particle = GaussianBlobs.ribosome_like(n=n)
    assert particle == GaussianBlobs.ribosome_like(n=n)
    assert len(particle.centers) == n


def test_a_ribosome_like_particle_fits_its_diameter():
    small, large = (GaussianBlobs.ribosome_like(diameter=d) for d in (100, 200))
    assert np.allclose(small.centers * 2, large.centers)
    assert 40 < np.linalg.norm(small.centers, axis=1).max() < 55


def test_a_ribosome_like_particle_has_no_mirror_symmetry():
    data = GaussianBlobs.ribosome_like().volume((31, 31, 31), voxel_size=10).data
    for axis in range(3):
        assert relative_error(np.flip(data, axis), data) > 0.3
    moments = np.linalg.eigvalsh(np.cov(np.argwhere(data > data.max() / 4).T))
    assert moments[1] / moments[0] > 1.1
    assert moments[2] / moments[1] > 1.1


def test_scalars_apply_to_all_blobs_and_arrays_are_locked_copies():
    centers = np.zeros((2, 3))
    blobs = GaussianBlobs(centers, sigmas=2.0)
    centers[0] = 9
    assert blobs.centers.tolist() == [[0, 0, 0]] * 2
    assert blobs.sigmas.tolist() == [2, 2]
    assert blobs.amplitudes.tolist() == [1, 1]
    copy = pickle.loads(pickle.dumps(blobs))
    assert copy == blobs
    for each in (blobs, copy):
        assert not each.centers.flags.writeable
        assert not each.sigmas.flags.writeable


def test_blobs_are_unhashable_and_shown_by_shape():
    with pytest.raises(TypeError, match="unhashable"):
        hash(BLOBS)
    assert repr(BLOBS) == (
        "GaussianBlobs(centers=(3, 3) float64, sigmas=(3,) float64, amplitudes=(3,) float64)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0, 0], 1.0), r"centers must have shape \(m, 3\) with m >= 1, got \(3,\)"),
        ((np.zeros((0, 3)), 1.0), r"centers must have shape \(m, 3\) with m >= 1, got \(0, 3\)"),
        (([[0, 0, 0]], [1, 2]), r"sigmas must be one number or one per blob: .*\(1,\), got \(2,\)"),
        (([[0, 0, 0]], 0.0), "sigmas must be positive, got 0.0"),
        (([[0, 0, 0]], 1.0, [1, 2]), "amplitudes must be one number or one per blob"),
        (([[0, np.nan, 0]], 1.0), r"centers must be finite.*\[0, 1\]"),
    ],
)
def test_inconsistent_blobs_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianBlobs(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be a positive integer, got 0"),
        (
            {"sigmas": (1.0, 6.0)},
            r"sigmas must be .least, largest., .* below a sixth .* 32 Å, got \(1.0, 6.0",
        ),
        ({"sigmas": (2.0, 1.0)}, r"sigmas must be \(least, largest\)"),
        ({"sigmas": (0.0, 1.0)}, "sigmas must be one positive number"),
        ({"shape": (32, 32)}, "shape must be 3 positive integers"),
    ],
)
def test_invalid_options_of_random_blobs_raise(options, message):
    with pytest.raises(ValueError, match=message):
        GaussianBlobs.random(**{"shape": (32, 32, 32), "n": 3, "seed": 0} | options)


@pytest.mark.parametrize("options", [{"diameter": 0}, {"n": -1}])
def test_a_ribosome_like_particle_needs_a_size_and_blobs(options):
    with pytest.raises(ValueError, match=r"must be .*positive"):
        GaussianBlobs.ribosome_like(**options)


def test_shapes_and_spacings_of_pictures_are_checked():
    with pytest.raises(ValueError, match="shape must be 3 positive integers"):
        BLOBS.volume((4, 4))
    with pytest.raises(ValueError, match="image_shape must be 2 positive integers"):
        BLOBS.tilt_series(SINGLE_AXIS, (4, 0))
    with pytest.raises(ValueError, match="pixel_size must be one positive number"):
        BLOBS.tilt_series(SINGLE_AXIS, (4, 4), pixel_size=0)
