"""``libtilt convert``, and series that are opened with an alignment."""

import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner
from random_alignments import random_alignment

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume
from libtilt.alignment import open_alignment, save_alignment
from libtilt.cli import app

# Random alignments leave images out without saying anything of them.
pytestmark = pytest.mark.filterwarnings("ignore:tilt angles of excluded images are unknown")

SIZES = ["--stack-shape", 7, 37, 40, "--pixel-size", 1.37, "--volume-shape", 21, 18, 20]
SIZES += ["--voxel-size", 2.74]


def run(*arguments, fails=False):
    result = CliRunner().invoke(app, [str(argument) for argument in ("convert", *arguments)])
    assert (result.exit_code != 0) == fails, result.output
    return result.output


@pytest.fixture
def source(tmp_path):
    return save_alignment(random_alignment(), tmp_path / "a.aln")


def test_an_alignment_is_converted(source, tmp_path):
    output = run(source, tmp_path / "b.star", *SIZES)
    assert "b.star: 5 of 7 images, from aretomo" in output
    sizes = {"stack_shape": (7, 37, 40), "pixel_size": 1.37, "volume_shape": (21, 18, 20)}
    made = open_alignment(tmp_path / "b.star", voxel_size=2.74, **sizes)
    assert random_alignment().distance(made) < 1e-3
    assert "exists" in run(source, tmp_path / "b.star", *SIZES, fails=True)
    run(source, tmp_path / "b.star", *SIZES, "--overwrite")


def test_the_stack_option_provides_the_sizes(source, tmp_path):
    stack = random_series().save(tmp_path / "a.st")
    run(source, tmp_path / "b.xf", "--stack", stack, "--volume-shape", 21, 18, 20)
    assert (tmp_path / "tilt.com").exists()
    assert "not both" in run(
        source, tmp_path / "b.xf", "--stack", stack, "--stack-shape", 7, 37, 40, fails=True
    )


def test_the_stack_beside_an_alignment_provides_missing_sizes(source, tmp_path):
    stack = random_series().save(source.with_suffix(".st"))
    output = run(source, tmp_path / "b.star", "--volume-shape", 21, 18, 20)
    assert f"sizes of the images from {stack}, beside the alignment" in output
    assert "voxels of 1.37 Å" in output
    assert f"000002@{stack} " in (tmp_path / "b.star").read_text()


def test_a_compressed_stack_provides_the_sizes(source, tmp_path):
    stack = random_series().save(tmp_path / "a.st.gz")
    output = run(source, tmp_path / "b.star", "--stack", stack, "--volume-shape", 21, 18, 20)
    assert "tomogram of 21 x 18 x 20 (z, y, x) voxels of 1.37 Å" in output
    assert f"000002@{stack} " in (tmp_path / "b.star").read_text()


def test_missing_sizes_and_unsupported_contents_are_one_line_errors(source, tmp_path):
    message = run(source, tmp_path / "b.star", fails=True)
    assert "does not hold the pixel size: use --pixel-size or --stack FILE\n" in message
    message = run(source, tmp_path / "b.txt", *SIZES, fails=True)
    assert "the suffix does not determine the format" in message
    assert "like must be of format" in run(
        source, tmp_path / "b.star", *SIZES, "--like", source, fails=True
    )


def random_series(seed=0):
    images = np.random.default_rng(seed).normal(size=(7, 37, 40)).astype(np.float32)
    return TiltSeries(images, TiltGeometry.from_tilt_angles(np.zeros(7)), pixel_size=1.37)


def test_a_series_takes_the_images_that_the_alignment_uses(source, tmp_path):
    series = random_series()
    stack = series.save(tmp_path / "a.st")
    opened = TiltSeries.open(stack, geometry=source)
    assert np.array_equal(opened.images, series.images[[0, 1, 3, 4, 6]])
    assert np.allclose(opened.geometry.shifts, random_alignment().geometry.shifts, atol=1e-5)
    again = TiltSeries.open(stack, geometry=random_alignment(), memmap=True)
    assert again.geometry == random_alignment().geometry
    with pytest.raises(TypeError, match="tilt_angles"):
        TiltSeries.open(stack, geometry=source, tilt_angles=np.zeros(7))


def test_an_alignment_of_another_stack_is_refused(source, tmp_path):
    stack = random_series()[:6].save(tmp_path / "a.st")
    with pytest.raises(ValueError, match="of 7 images and uses 5, but the stack has 6"):
        TiltSeries.open(stack, geometry=source)
    with pytest.raises(ValueError, match=r"alignment is for a stack of shape \(7, 37, 40\)"):
        TiltSeries.open(stack, geometry=random_alignment())
    stack = random_series().save(tmp_path / "b.st")
    with pytest.raises(ValueError, match=r"alignment has a pixel size of 1\.37 Å, .* has 3 Å"):
        TiltSeries.open(stack, geometry=random_alignment(), pixel_size=3.0)


def test_a_missing_pixel_size_is_an_error(source, tmp_path):
    """Shifts in angstroms depend on it: a stack without one must not count as one of 1 A."""
    stack, star = tmp_path / "a.st", tmp_path / "a.star"
    mrcfile.write(stack, random_series().images, voxel_size=0)
    assert "--pixel-size" in run(source, star, "--stack", stack, fails=True)
    with pytest.raises(ValueError, match=r"does not hold the pixel size: pass pixel_size="):
        TiltSeries.open(stack, geometry=source)
    run(source, star, "--stack", stack, "--pixel-size", 1.37, "--volume-shape", 21, 18, 20)
    assert TiltSeries.open(stack, geometry=star).pixel_size == 1.37
    assert TiltSeries.open(stack, geometry=source, pixel_size=1.37).pixel_size == 1.37


def test_sizes_missing_from_a_file_are_options_of_its_reader(tmp_path):
    stack = random_series().save(tmp_path / "a.st")
    path = save_alignment(random_alignment(), tmp_path / "a.xml")
    with pytest.raises(
        ValueError, match=r"a\.xml does not hold the size of the tomogram: pass volume_shape="
    ):
        TiltSeries.open(stack, geometry=path)
    sizes = {"volume_shape": (21, 18, 20), "voxel_size": 2 * 1.37}
    opened = TiltSeries.open(stack, geometry=path, **sizes)
    assert np.allclose(opened.geometry.shifts, random_alignment().geometry.shifts, atol=1e-5)
    output = tmp_path / "tomogram.mrc"
    arguments = ["backproject", stack, "--alignment", path, "-o", output]
    result = CliRunner().invoke(app, [*map(str, arguments), "--volume-shape", "8", "18", "20"])
    assert result.exit_code == 0, result.output
    assert Volume.open(output).shape == (8, 18, 20)


def test_a_subclass_gets_its_own_geometry(source, tmp_path):
    class MyGeometry(TiltGeometry):
        pass

    class MySeries(TiltSeries):
        geometry_type = MyGeometry

    stack = random_series().save(tmp_path / "a.st")
    assert type(MySeries.open(stack, geometry=source).geometry) is MyGeometry


def test_the_phantom_survives_a_round_trip_through_every_format(tmp_path):
    """What is projected, written, read and compared is the same object at the same place."""
    alignment = random_alignment(2, views=range(7))
    blobs = GaussianBlobs([[6, -4, 8], [-9, 7, -3]], sigmas=[4, 5], amplitudes=[1, 2])
    truth = blobs.tilt_series(alignment.geometry, (37, 40), pixel_size=1.37)
    stack = truth.save(tmp_path / "a.st")
    for name in ("a.xf", "a.aln", "a.star", "a.xml"):
        save_alignment(alignment, tmp_path / name)
        opened = open_alignment(tmp_path / name, **alignment_sizes(alignment))
        series = TiltSeries.open(stack, geometry=opened)
        again = blobs.tilt_series(series.geometry, (37, 40), pixel_size=1.37)
        assert np.abs(again.images - truth.images).max() < 1e-4 * truth.images.max()


def alignment_sizes(alignment):
    names = ("stack_shape", "pixel_size", "volume_shape", "voxel_size")
    return {name: getattr(alignment, name) for name in names}


@pytest.mark.parametrize(
    "command",
    [["reconstruct"], ["reconstruct", "--method", "sirt", "--iterations", 2], ["backproject"]],
)
def test_the_alignment_determines_shape_and_voxel_size_of_the_tomogram(tmp_path, command):
    alignment = random_alignment(4)
    path = save_alignment(alignment, tmp_path / "a.xf")
    stack = random_series().save(tmp_path / "a.st")
    output = tmp_path / "tomogram.mrc"
    arguments = [*command, stack, "--alignment", path, "-o", output]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    volume = Volume.open(output)
    assert volume.shape == (21, 18, 20)
    assert np.allclose(volume.voxel_size, 2.74)
    if command == ["backproject"]:
        series = TiltSeries.open(stack, geometry=alignment)
        projector = Projector(
            series.geometry, driven="voxel", volume_shape=(21, 18, 20), voxel_size=2.74
        )
        expected = projector.adjoint(series).data
        assert np.abs(volume.data - expected).max() < 1e-4 * np.abs(expected).max()
    thinner = CliRunner().invoke(app, [*map(str, arguments), "--thickness", "9", "--overwrite"])
    assert thinner.exit_code == 0, thinner.output
    thin = Volume.open(output)
    assert thin.shape == (9, 18, 20)
    if command == ["backproject"]:
        assert np.allclose(thin.data, volume.data[6:15], atol=1e-3 * np.abs(volume.data).max())
    output.unlink()
    result = CliRunner().invoke(
        app, [*map(str, arguments), "--thickness", "3", "--volume-shape", "3", "4", "5"]
    )
    assert "--thickness or --volume-shape, not both" in result.output
    result = CliRunner().invoke(app, [*map(str, arguments), "--tilt-range", "0", "6", "1"])
    assert "--alignment includes the tilt angles" in result.output


def test_the_tilt_axis_angle_option_overrides_the_alignment(tmp_path):
    alignment = random_alignment(4)
    path = save_alignment(alignment, tmp_path / "a.aln")
    stack = random_series().save(tmp_path / "a.st")
    arguments = ["backproject", stack, "--alignment", path, "--thickness", 9]
    arguments += ["--tilt-axis-angle", 3, "-o", tmp_path / "tomogram.mrc"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    turned = TiltSeries.open(stack, geometry=path, tilt_axis_angle=3)
    assert np.allclose(turned.geometry.tilt_axis_angles, 3)
    assert np.allclose(turned.geometry.tilt_angles, alignment.geometry.tilt_angles)
    assert np.allclose(turned.geometry.shifts, alignment.geometry.shifts, atol=1e-5)
    volume = Projector(turned.geometry, driven="voxel", volume_shape=(9, 37, 40), voxel_size=1.37)
    expected = volume.adjoint(turned).data
    got = Volume.open(tmp_path / "tomogram.mrc").data
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()
    result = CliRunner().invoke(
        app,
        [
            "convert",
            str(path),
            str(tmp_path / "b.aln"),
            "--tilt-axis-angle",
            "3",
            "--pixel-size",
            "1.37",
        ],
    )
    assert result.exit_code == 0, result.output
    again = open_alignment(tmp_path / "b.aln", pixel_size=1.37)
    assert np.allclose(again.geometry.tilt_axis_angles, 3)


def test_contents_that_a_format_cannot_store_are_named(tmp_path):
    mdoc = tmp_path / "a.mdoc"
    times = ("10:02:00", "10:00:00", "10:01:00")
    mdoc.write_text(
        "PixelSpacing = 2\nImageSize = 64 48\n[T = Tilt axis angle = 85]\n"
        + "".join(
            f"[ZValue = {n}]\nTiltAngle = {3 * n}\nExposureDose = 3\n"
            f"DateTime = 30-Sep-2025  {time}\n"
            for n, time in enumerate(times)
        )
    )

    def convert(name, *options):
        arguments = ["convert", mdoc, tmp_path / name, "--volume-shape", 32, 48, 64, *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    for name in ("a.star", "a.xml"):
        assert "pre-exposures" not in convert(name).output
        sizes = {"stack_shape": (3, 48, 64), "pixel_size": 2.0, "volume_shape": (32, 48, 64)}
        again = open_alignment(tmp_path / name, **sizes)
        assert again.acquisition.pre_exposures.tolist() == [6, 0, 3]
    assert "not written: pre-exposures" in convert("a.aln").output
    assert "not written: order of acquisition" in convert("a.xf").output
    refused = convert("b.star", "--voltage", 300)
    assert refused.exit_code == 2
    assert "--voltage applies only to an OUT named tomograms.star" in refused.output


def test_a_thickness_that_is_passed_is_not_assumed(tmp_path):
    """Without tilt.com no file holds the thickness."""
    alignment = random_alignment(4, binning=1, shape=(40, 37, 40))
    path = save_alignment(alignment, tmp_path / "a.xf")
    for name in ("tilt.com", "newst.com"):
        (tmp_path / name).unlink()
    stack = random_series().save(tmp_path / "a.st")
    arguments = ["backproject", stack, "--alignment", path, "-o", tmp_path / "a.rec"]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert "note: no THICKNESS in any file; assuming" in result.output
    result = CliRunner().invoke(app, [*map(str, arguments), "--thickness", "12", "--overwrite"])
    assert result.exit_code == 0, result.output
    assert "THICKNESS" not in result.output
    assert Volume.open(tmp_path / "a.rec").shape == (12, 37, 40)
    opened = open_alignment(path, stack_shape=(7, 37, 40), pixel_size=1.37, thickness=12)
    made = open_alignment(path, stack_shape=(7, 37, 40), pixel_size=1.37, volume_shape=(12, 37, 40))
    assert opened.distance(made) < 1e-9


def test_a_thickness_overrides_that_of_any_format_about_the_same_center(tmp_path):
    alignment = random_alignment(4, views=range(7))
    sizes = alignment_sizes(alignment)
    for name in ("a.xf", "a.aln", "a.star", "a.xml"):
        path = save_alignment(alignment, tmp_path / name)
        opened = open_alignment(path, **sizes, thickness=9)
        assert opened.volume_shape == (9, 18, 20)
        shifts = open_alignment(path, **sizes).geometry.shifts
        assert np.allclose(opened.geometry.shifts, shifts)
    with pytest.raises(ValueError, match="thickness must be a positive integer"):
        open_alignment(path, **sizes, thickness=0)
