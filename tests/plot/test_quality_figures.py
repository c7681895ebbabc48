"""Figures of correlations and of several volumes, read back from their axes."""

import numpy as np
import pytest

from libtilt import GaussianBlobs, Volume
from libtilt.plot import (
    compare_slices,
    conical_correlation,
    directional_resolution,
    fourier_correlation,
)
from libtilt.quality import (
    ConicalCorrelation,
    FourierCorrelation,
    conical_fsc,
    mask_corrected_fsc,
)

pyplot = pytest.importorskip("matplotlib.pyplot")
pytestmark = pytest.mark.usefixtures("no_screen")
VOXEL_SIZE = 4.0


def half_maps(size=32, measured=None):
    """Two noisy measurements of a phantom, the second with other noise; some frequencies only."""
    signal = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=VOXEL_SIZE * 32 / size)
    generator = np.random.default_rng(1)
    halves = []
    for _ in range(2):
        data = signal.data + generator.normal(size=signal.shape) * signal.data.std() / 2
        if measured is not None:
            data = np.fft.ifftn(np.fft.fftn(data) * np.fft.ifftshift(measured)).real
        halves.append(Volume(data, voxel_size=VOXEL_SIZE))
    return halves


def soft_sphere(size, radius):
    z, y, x = np.indices((size,) * 3) - size // 2
    return np.clip(radius - np.sqrt(z**2 + y**2 + x**2), 0, 1)


def dots(ax):
    return [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]


def test_the_resolution_of_one_curve_stands_on_each_threshold_line():
    curve = FourierCorrelation([0, 0.1, 0.2, 0.3], [1, 0.9, 0.3, 0.0], [1, 18, 62, 98])
    ax = fourier_correlation(curve)
    texts = [text.get_text() for text in ax.texts]
    assert texts == [f"{t:g}: {curve.resolution(t):.3g} Å" for t in (0.5, 0.143)]
    (marks,) = dots(ax)
    assert marks.get_xdata() == pytest.approx([1 / curve.resolution(0.5), 1 / curve.resolution()])
    assert marks.get_ydata() == pytest.approx([0.5, 0.143])


def test_a_resolution_that_is_only_a_bound_has_no_dot_and_says_so():
    high = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.8], [1, 18, 62])
    low = FourierCorrelation([0, 0.1, 0.2], [1, 0.1, 0.1], [1, 18, 62])
    for curve, text in ((high, "0.143: ≤ 5 Å"), (low, "0.143: none")):
        ax = fourier_correlation(curve, thresholds=(0.143,))
        assert [text.get_text() for text in ax.texts] == [text]
        assert dots(ax) == []


def test_several_curves_are_all_marked_and_have_their_resolutions_in_the_legend():
    curve = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.0], [1, 18, 62])
    other = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.3], [1, 18, 62])
    ax = fourier_correlation({"a": curve, "b": other})
    assert [text.get_text() for text in ax.texts] == ["0.5", "0.143"]
    assert len(dots(ax)) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"a (0.5: {curve.resolution(0.5):.3g} Å, 0.143: {curve.resolution():.3g} Å)",
        f"b (0.5: {other.resolution(0.5):.3g} Å, 0.143: ≤ 5 Å)",
    ]


def test_the_upper_axis_is_resolution_in_angstroms():
    ax = fourier_correlation(FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.0], [1, 18, 62]))
    (above,) = ax.child_axes
    assert above.get_xlabel() == "resolution (Å)"
    texts = above.xaxis.get_major_formatter().format_ticks([0, 0.05, 0.125])
    assert texts == ["∞", "20", "8"]
    ax.figure.canvas.draw()


def test_the_four_curves_of_a_mask_correction_are_one_figure():
    corrected = mask_corrected_fsc(*half_maps(), soft_sphere(32, 12))
    ax = fourier_correlation(corrected)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    start = f"phases randomized from {1 / corrected.randomized_from:.3g} Å"
    assert sorted(labels) == sorted([*corrected.curves, start])
    drawn = {line.get_label(): line for line in ax.lines}
    for name, curve in corrected.curves.items():
        assert drawn[name].get_ydata() == pytest.approx(curve.correlation)
    assert drawn["corrected"].get_color() == "black"
    assert drawn[start].get_xdata()[0] == corrected.randomized_from
    # The resolution is that of the corrected curve, which is not that of the masked one.
    assert ax.texts[1].get_text() == f"0.143: {corrected.corrected.resolution():.3g} Å"
    (marks,) = dots(ax)
    assert marks.get_xdata()[1] == pytest.approx(1 / corrected.corrected.resolution())


def test_maps_without_noise_have_no_frequency_of_randomization():
    half, _ = half_maps()
    ax = fourier_correlation(mask_corrected_fsc(half, half, soft_sphere(32, 12)))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["unmasked", "masked", "phase-randomized", "corrected"]


@pytest.fixture(scope="module")
def wedge_cones():
    """Cones of half maps whose frequencies within 30 degrees of z were never measured."""
    z, y, x = np.indices((32,) * 3) - 16
    missing = np.hypot(x, y) < np.abs(z) * np.tan(np.radians(30))
    return conical_fsc(*half_maps(measured=~missing), missing_wedge=missing, count=48)


def test_the_mean_of_cones_and_its_spread_are_those_of_the_measured_cones(wedge_cones):
    ax = conical_correlation(wedge_cones)
    measured = [c for c, m in zip(wedge_cones.curves, wedge_cones.measured, strict=True) if m]
    without = len(wedge_cones.curves) - len(measured)
    assert without > 0
    assert ax.get_title() == f"48 cones of 20°, {without} in the missing wedge"
    thin = [line for line in ax.lines if line.get_linewidth() == 0.5]
    assert len(thin) == len(measured)
    (mean,) = [line for line in ax.lines if line.get_label() == "mean of cones"]
    last = -1
    reached = [c.correlation[last] for c in measured if c.counts[last]]
    assert mean.get_ydata()[last] == pytest.approx(np.mean(reached))
    edges = [line.get_ydata()[last] for line in ax.lines if line.get_color() == "tab:green"]
    assert edges == pytest.approx([np.mean(reached) + s * np.std(reached) for s in (-1, 1)])
    assert max(np.max(line.get_ydata()) for line in ax.lines) <= 1


def test_bars_count_the_cones_by_the_shell_of_their_resolution(wedge_cones):
    ax = conical_correlation(wedge_cones, threshold=0.5)
    (right,) = [other for other in ax.figure.axes if other is not ax]
    frequencies = wedge_cones.curves[0].frequencies
    found = wedge_cones.resolution(0.5)
    found = 1 / found[np.isfinite(found)]
    nearest = np.abs(found[:, None] - frequencies).argmin(axis=1)
    measured = wedge_cones.measured.sum()
    expected = 100 * np.bincount(nearest, minlength=len(frequencies)) / measured
    assert [bar.get_height() for bar in right.patches] == pytest.approx(expected)
    # Even the highest bar ends below the line of correlation 0.
    zero = ax.transData.transform((0, 0))[1]
    assert right.transData.transform((0, expected.max()))[1] < zero


def test_the_map_of_resolutions_shows_each_direction_at_its_place(wedge_cones):
    ax = directional_resolution(wedge_cones)
    shown = ax.images[0].get_array()  # 1/angstrom
    left, right, bottom, top = ax.images[0].get_extent()
    frequencies = 1 / wedge_cones.resolution()
    for (x, y, z), expected in zip(wedge_cones.directions, frequencies, strict=True):
        # Lambert's projection keeps the distance of two points on the sphere from the pole.
        radius = np.hypot(x, y)
        u, v = np.array([x, y]) / radius * np.sqrt(1 - z)
        column = int((u - left) / (right - left) * shown.shape[1])
        row = int((v - top) / (bottom - top) * shown.shape[0])
        value = shown[row, column]
        assert value is np.ma.masked if np.isnan(expected) else value == pytest.approx(expected)


def test_cones_about_the_missing_wedge_are_gray_with_a_legend_and_set_no_color(wedge_cones):
    """The wedge is a cone of 30 degrees about z; its border is in cones of 20 degrees inside it."""
    angles = np.degrees(np.arccos(wedge_cones.directions[:, 2]))
    inside = wedge_cones.in_missing_wedge
    assert inside[angles < 27].all()
    assert not inside[angles > 33].any()
    border = [c.counts[1:].any() for c, i in zip(wedge_cones.curves, inside, strict=True) if i]
    assert any(border)
    assert np.isnan(wedge_cones.resolution()[inside]).all()
    ax = directional_resolution(wedge_cones)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["missing wedge"]
    best, worst = np.nanmin(wedge_cones.resolution()), np.nanmax(wedge_cones.resolution())
    assert ax.images[0].get_clim() == pytest.approx((1 / worst, 1 / best))
    assert directional_resolution(conical_fsc(*half_maps(16), count=8)).get_legend() is None


def test_directions_without_data_about_z_are_gray_in_the_middle_of_the_map(wedge_cones):
    shown = np.ma.getmaskarray(directional_resolution(wedge_cones).images[0].get_array())
    middle, side = len(shown) // 2, len(shown) // 4
    assert shown[middle, middle]
    assert not shown[middle, side // 4]  # along x, nearly in the plane
    assert shown[0, 0]  # outside the disc


def test_the_colors_of_the_map_are_labeled_in_angstroms(wedge_cones):
    ax = directional_resolution(wedge_cones)
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "resolution (Å)"
    assert bar.yaxis.get_major_formatter().format_ticks([0, 0.05]) == ["∞", "20"]


def test_a_direction_below_the_threshold_from_the_first_shell_on_is_the_worst_of_the_map():
    none, some = (FourierCorrelation([0, 0.1, 0.2], [1, c, c], [1, 8, 9]) for c in (0.0, 0.9))
    cones = ConicalCorrelation(np.array([[0, 0, 1.0], [1.0, 0, 0]]), (none, some), 45.0)
    shown = directional_resolution(cones).images[0].get_array()
    middle = len(shown) // 2
    assert shown[middle, middle] == 0
    assert shown[middle, -2] == pytest.approx(0.2)


def test_each_volume_is_drawn_by_its_own_percentiles():
    volume = GaussianBlobs.ribosome_like().volume((20, 24, 28), voxel_size=12.0)
    ax = compare_slices({"one": volume, "ten": 10 * volume - 3}, percentiles=(1, 99))
    first, second = (
        np.concatenate([v.data[10].ravel(), v.data[:, 12].ravel()])
        for v in (volume, 10 * volume - 3)
    )
    limits = [image.get_clim() for image in ax.images]
    assert limits[0] == limits[1] == pytest.approx(tuple(np.percentile(first, [1, 99])))
    assert limits[2] == limits[3] == pytest.approx(tuple(np.percentile(second, [1, 99])))
    assert ax.get_xlabel() == "black and white: percentiles 1 and 99 of each volume"


def test_volumes_of_other_voxels_are_drawn_at_one_scale_with_a_scale_bar():
    fine = GaussianBlobs.ribosome_like().volume((32, 32, 32), voxel_size=8.0)
    coarse = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=(16.0, 16.0, 16.0))
    ax = compare_slices({"fine": fine, "coarse": coarse}, normals=("x", "y", "z"))
    sides = [np.abs(np.diff(np.reshape(image.get_extent(), (2, 2)))) for image in ax.images]
    assert np.allclose(sides, 256)
    assert ax.lines[-1].get_xdata()[1] - ax.lines[-1].get_xdata()[0] == pytest.approx(50)
    assert [t.get_text() for t in ax.texts] == ["fine", "y, z", "x, z", "x, y", "coarse", "5 nm"]
    assert np.array_equal(ax.images[0].get_array(), fine.data[:, :, 16])


def test_volumes_wrap_into_rows():
    volume = GaussianBlobs.ribosome_like().volume((8, 8, 8), voxel_size=40.0)
    ax = compare_slices({str(n): volume for n in range(5)}, normals=("z",), columns=2)
    places = [image.get_extent() for image in ax.images]
    assert len({place[0] for place in places}) == 2
    assert len({place[3] for place in places}) == 3
    wide = compare_slices({"a": volume}, columns=9)
    assert wide.get_xlim()[1] == pytest.approx(8 * 40)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: conical_correlation([]), TypeError, "cones must be a ConicalCorrelation, got"),
        (lambda: directional_resolution(1), TypeError, "cones must be a ConicalCorrelation"),
        (lambda: compare_slices([1]), TypeError, "volumes must be a mapping from titles"),
        (lambda: compare_slices({}), ValueError, "volumes must hold at least one volume"),
        (lambda: compare_slices({"a": 1}), TypeError, r"volumes\['a'\] must be a Volume, got int"),
        (
            lambda: compare_slices({"a": Volume(np.full((2, 2, 2), np.nan))}),
            ValueError,
            r"volumes\['a'\] must have finite values",
        ),
        (
            lambda: compare_slices({"a": Volume(np.ones((2, 2, 2)))}, normals=()),
            ValueError,
            "normals must hold at least one of z, y and x, got none",
        ),
    ],
)
def test_errors_say_what_is_expected(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
    assert pyplot.get_fignums() == []


def test_invalid_options_raise(wedge_cones):
    volume = Volume(np.arange(8.0).reshape(2, 2, 2))
    with pytest.raises(ValueError, match="normals must be one of 'z', 'y', 'x', got 'w'"):
        compare_slices({"a": volume}, normals=("w",))
    with pytest.raises(ValueError, match="threshold must be one number between 0 and 1"):
        conical_correlation(wedge_cones, threshold=2)
    with pytest.raises(ValueError, match="cmap must be the name of a"):
        directional_resolution(wedge_cones, cmap="mud")


def test_cones_without_any_data_raise():
    empty = FourierCorrelation([0, 0.1], [1, 0], [1, 0])
    cones = ConicalCorrelation(np.array([[0.0, 0.0, 1.0]]), (empty,), 20.0)
    with pytest.raises(ValueError, match="cones must hold at least one cone with Fourier"):
        conical_correlation(cones)
    with pytest.raises(ValueError, match="cones must hold at least one cone with Fourier"):
        directional_resolution(cones)
