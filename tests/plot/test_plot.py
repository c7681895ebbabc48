"""Figures, read back from their axes."""

import numpy as np
import pytest

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.drawing.overlays import scale_bar_length
from libtilt.plot import (
    contact_sheet,
    fourier_correlation,
    orthoslices,
    power_spectrum,
    sinogram,
    tilt_scheme,
    tilt_scheme_3d,
    tilted_specimen,
)
from libtilt.plot.geometries import missing_sectors
from libtilt.quality import FourierCorrelation

pyplot = pytest.importorskip("matplotlib.pyplot")
pytestmark = pytest.mark.usefixtures("no_screen")
BLOBS = GaussianBlobs([[30, -40, 50]], sigmas=12)
SERIES = BLOBS.tilt_series(
    TiltGeometry.from_tilt_angles([30, -60, 0, 60, -30]), (24, 30), pixel_size=8.0
)


def volume(voxel_size=(8.0, 8.0, 8.0)):
    return BLOBS.volume((20, 24, 30), voxel_size=voxel_size)


def test_orthoslices_show_the_voxel_at_the_cross_hairs():
    data = np.zeros((4, 5, 6), np.float32)
    data[1, 2, 3] = 1
    ax = orthoslices(
        Volume(data, voxel_size=(2, 3, 4)), position_xyz=(3, 2, 1), percentiles=(0, 100)
    )
    assert [np.argwhere(image.get_array() == 1).tolist() for image in ax.images] == [
        [[2, 3]],
        [[1, 3]],
        [[2, 1]],
    ]
    # Each panel's cross-hairs cross in the middle of that voxel.
    for image, across, down in zip(ax.images, ax.lines[::2], ax.lines[1::2], strict=False):
        left, right, bottom, top = image.get_extent()
        rows, columns = image.get_array().shape
        v = (across.get_ydata()[0] - top) / (bottom - top) * rows
        u = (down.get_xdata()[0] - left) / (right - left) * columns
        assert image.get_array()[int(v), int(u)] == 1
    left, right, bottom, top = ax.images[0].get_extent()
    assert (right - left, bottom - top) == (12, 15)


def test_orthoslices_have_no_background_where_no_slice_is():
    ax = orthoslices(volume(), position_xyz=(14, 12, 11))
    assert not ax.axison
    assert ax.get_title().startswith("x \N{MINUS SIGN}")
    assert ax.get_title().endswith("nm (voxel 14, 12, 11)")
    ax.figure.canvas.draw()
    shown = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3]
    right, low = (int(n) for n in ax.transAxes.transform((0.97, 0.03)))
    assert (shown[len(shown) - low, right] == 255).all()


def test_a_tilt_scheme_has_a_legend():
    ax = tilt_scheme(TiltGeometry.from_tilt_angles(range(-60, 61, 3)))
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["beam", "specimen", "no beam"]


def test_figures_are_drawn_in_given_axes_and_not_shown():
    figure, (first, second) = pyplot.subplots(1, 2)
    assert orthoslices(volume(), ax=first) is first
    assert sinogram(SERIES, ax=second) is second
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("extent", "length"), [(30, 10), (59, 10), (60, 20), (149, 20), (150, 50), (2.9, 0.5)]
)
def test_a_scale_bar_is_1_2_or_5_and_at_most_a_third(extent, length):
    assert scale_bar_length(extent) == pytest.approx(length)


def test_the_scale_bar_is_labeled_with_its_length():
    ax = orthoslices(volume())
    assert [text.get_text() for text in ax.texts] == ["x, y", "x, z", "z, y", "5 nm"]
    bar = ax.lines[-1].get_xdata()
    assert bar[1] - bar[0] == pytest.approx(50)
    ax = contact_sheet(SERIES)
    bar = ax.lines[-1].get_xdata()
    assert (bar[1] - bar[0]) * 8.0 == pytest.approx(50)


def test_a_contact_sheet_has_every_image_at_its_place_with_its_angle():
    ax = contact_sheet(SERIES, columns=3)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (2 * 24 + 1, 3 * 30 + 2)
    assert np.array_equal(sheet[:24, 31:61], SERIES.images[1])
    assert np.array_equal(sheet[25:, :30], SERIES.images[3])
    texts = [text.get_text() for text in ax.texts][:5]
    assert texts == ["30°", "\u221260°", "0°", "60°", "\u221230°"]
    assert contact_sheet(SERIES, columns=99).images[0].get_array().shape[0] == 24


def test_a_sinogram_rises_with_the_tilt_angle():
    ax = sinogram(SERIES, row=7)
    (mesh,) = ax.collections
    values = mesh.get_array().reshape(5, 30)
    assert np.array_equal(values, SERIES.sort().images[:, 7])
    corners = mesh.get_coordinates()
    assert np.allclose(corners[:, 0, 1], [-75, -45, -15, 15, 45, 75])
    # Pixel 15 of 30 is the center.
    assert np.allclose(corners[0, 15:17, 0], [-0.4, 0.4])
    assert sinogram(SERIES[2]).get_ylim() == pytest.approx((-0.5, 0.5))


@pytest.mark.parametrize(("low", "high"), [(-60, 60), (-40, 70)])
def test_missing_sectors_contain_no_beam(low, high):
    geometry = TiltGeometry.from_tilt_angles(np.arange(low, high + 1, 2))
    (first, last), other = missing_sectors(geometry.beam_directions)
    assert last - first == pytest.approx(180 - (high - low))
    beams = np.degrees(np.arctan2(*geometry.beam_directions.T[[2, 0]])) % 180
    assert not ((beams > first + 1e-6) & (beams < last - 1e-6)).any()
    assert other == pytest.approx((first + 180, last + 180))
    ax = tilt_scheme(geometry)
    assert len(ax.lines) == len(geometry)
    assert ax.get_title() == f"{len(geometry)} tilts, \N{MINUS SIGN}{-low}° to {high}°"


def test_beams_are_drawn_in_the_specimen_frame():
    ax = tilt_scheme(TiltGeometry.from_tilt_angles([30]))
    (line,) = ax.lines
    along = np.array([line.get_xdata()[1], line.get_ydata()[1]])
    beam = TiltGeometry.from_tilt_angles([30]).beam_directions[0]
    assert np.allclose(along, beam[[0, 2]])


def test_the_power_spectrum_is_empty_in_the_missing_wedge():
    """And nowhere else: the wedge is where the scheme says."""
    noise = Volume(np.random.default_rng(0).normal(size=(48, 48, 48)).astype(np.float32))
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    projector = Projector(geometry, driven="voxel", volume_shape=noise.shape)
    ax = power_spectrum(projector.adjoint(projector.forward(noise)))
    power = ax.images[0].get_array()
    along_z, along_x = power[:10, 22:27].mean(), power[22:27, :10].mean()
    assert along_x > along_z + 2
    assert ax.images[0].get_extent()[0] == pytest.approx(-24.5 / 48)


def test_curves_are_drawn_with_threshold_lines():
    curve = FourierCorrelation([0, 0.1, 0.2], [[1, 0.9, 0.1], [1, 0.7, 0.3]], [1, 18, 62])
    ax = fourier_correlation(curve, thresholds=(0.143,))
    assert ax.lines[0].get_ydata() == pytest.approx([1, 0.8, 0.2])
    assert [text.get_text() for text in ax.texts] == ["0.143: ≤ 5 Å"]
    assert ax.get_legend() is None
    with pytest.raises(ValueError, match="curves must hold at least one curve"):
        fourier_correlation({})
    with pytest.raises(TypeError, match="curves must hold FourierCorrelation, got list for 'a'"):
        fourier_correlation({"a": [1]})


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: orthoslices(volume(), position_xyz=(30, 0, 0)), "must lie within the x, y, z"),
        (lambda: orthoslices(volume(), position_xyz=(1, 2)), "position_xyz must be 3 integers"),
        (lambda: orthoslices(volume(), cmap="mud"), "cmap must be the name of a mat"),
        (lambda: orthoslices(volume(), percentiles=(9, 1)), "percentiles must be two inc"),
        (lambda: orthoslices(Volume(np.full((2, 2, 2), np.nan))), "volume must have finite values"),
        (lambda: power_spectrum(volume(), axis="w"), "axis must be one of 'x', 'y', 'z'"),
        (lambda: power_spectrum(Volume(np.full((2, 2, 2), np.nan))), "volume has 8 NaN"),
        (lambda: contact_sheet(SERIES, columns=0), "columns must be a positive integer"),
        (lambda: sinogram(SERIES, row=24), "row must be an index from 0 to 23, got 24"),
        (lambda: tilt_scheme(SERIES.geometry, thickness=0), "thickness must be one positive"),
    ],
)
def test_invalid_arguments_raise(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


@pytest.mark.parametrize("value", [0.0, 3e30, -1e-30])
def test_constant_and_extreme_values_are_drawn(value):
    data = np.full((4, 5, 6), value, np.float32)
    orthoslices(Volume(data)).figure.canvas.draw()
    power_spectrum(Volume(data)).figure.canvas.draw()


def test_a_few_small_values_are_visible():
    data = np.zeros((60, 60, 60), np.float32)
    data[30, 30, 30] = 1e-5
    image = orthoslices(Volume(data)).images[0]
    assert image.get_clim() == pytest.approx((0, 1e-5))


def test_equal_tilt_angles_have_bands_in_a_sinogram():
    still = BLOBS.tilt_series(TiltGeometry.from_tilt_angles([30, 30, 30]), (24, 30), pixel_size=8.0)
    (mesh,) = sinogram(still).collections
    assert np.allclose(mesh.get_coordinates()[:, 0, 1], [29.5, 29.8333333, 30.1666667, 30.5])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: orthoslices(SERIES), "volume must be a Volume, got TiltSeries"),
        (lambda: power_spectrum(SERIES), "volume must be a Volume, got TiltSeries"),
        (lambda: contact_sheet(volume()), "tilt_series must be a TiltSeries, got Volume"),
        (lambda: sinogram(volume()), "tilt_series must be a TiltSeries, got Volume"),
        (lambda: tilt_scheme(SERIES), "geometry must be a TiltGeometry, got TiltSeries"),
        (lambda: tilt_scheme_3d(SERIES), "geometry must be a TiltGeometry, got TiltSeries"),
        (lambda: tilted_specimen(SERIES), "geometry must be a TiltGeometry, got TiltSeries"),
        (
            lambda: fourier_correlation([1, 2]),
            "curves must be a FourierCorrelation, a Mask",
        ),
    ],
)
def test_errors_name_arguments_of_the_wrong_type(draw, message):
    with pytest.raises(TypeError, match=message):
        draw()


def test_failed_figures_are_not_left_open():
    nan = Volume(np.full((2, 2, 2), np.nan))
    for draw in (
        lambda: orthoslices(volume(), cmap="mud"),
        lambda: orthoslices(nan),
        lambda: power_spectrum(volume(), percentiles=(9, 1)),
        lambda: contact_sheet(SERIES, cmap="mud"),
        lambda: sinogram(SERIES, cmap="mud"),
    ):
        with pytest.raises(ValueError, match="must"):
            draw()
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("angle", [35, -50, 0])
def test_the_tilted_specimen_follows_the_geometry(angle):
    geometry = TiltGeometry.from_tilt_angles([10, angle])
    ax = tilted_specimen(geometry, tilt=1, point_xyz=(0.3, 0, 0.5))
    x, _, z = geometry.rotation_matrices[1].T @ [0.3, 0, 0.5]
    turned = TiltGeometry.from_tilt_angles([10, angle], tilt_axis_angle=85)
    same = tilted_specimen(turned, tilt=1, point_xyz=(0.3, 0, 0.5))
    for line, other in zip(ax.lines, same.lines, strict=True):
        assert np.allclose(line.get_xydata(), other.get_xydata())
    spots = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose(spots, [[0.3, 0.5], [x, z]])
    (beam,) = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert np.allclose(beam.get_xdata(), x)


def test_the_3d_tilt_scheme_has_a_line_for_each_beam():
    geometry = TiltGeometry.from_tilt_angles([-60, 0, 60], x_tilts=5)
    ax = tilt_scheme_3d(geometry)
    ends = [np.array(line.get_data_3d())[:, 1] for line in ax.lines[:3]]
    assert np.allclose(ends, geometry.beam_directions)
    figure = pyplot.figure()
    own = figure.add_subplot(projection="3d")
    assert tilt_scheme_3d(geometry, ax=own) is own


def test_drawings_of_geometries_raise_for_invalid_arguments():
    geometry = TiltGeometry.from_tilt_angles([0])
    with pytest.raises(ValueError, match="tilt must be an index from 0 to 0, got 1"):
        tilted_specimen(geometry, tilt=1)
    with pytest.raises(ValueError, match="point_xyz must be three numbers"):
        tilted_specimen(geometry, point_xyz=(1, 2))
    with pytest.raises(TypeError, match="ax must be three-dimensional"):
        tilt_scheme_3d(geometry, ax=pyplot.figure().add_subplot())
