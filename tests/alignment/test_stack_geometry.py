"""What is found of a stack: in the files beside it, and what of them is not used."""

import json
import warnings

import mrcfile
import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries
from libtilt.alignment.beside_stack import find_geometry_file, find_tilt_geometry, unused_alignments
from libtilt.alignment.stack_geometry import pixel_size_from_header
from libtilt.io.image_content import ImageContent
from libtilt.io.mrc import read_mrc_header

IMAGES = np.random.default_rng(0).random((3, 12, 16)).astype(np.float32)
MDOC = "PixelSpacing = 2.5\nImageSize = 16 12\n[T = Tilt axis angle = 85]\n" + "".join(
    f"[ZValue = {view}]\nTiltAngle = {3 * view - 3}\n" for view in range(3)
)


@pytest.fixture
def stack(tmp_path):
    return write(tmp_path / "ts.mrc")


def write(path, images=IMAGES, voxel_size=2.5, stack=True):
    with mrcfile.new(path, data=images) as file:
        file.set_image_stack() if stack else file.set_volume()
        file.voxel_size = voxel_size
    return path


@pytest.mark.parametrize("name", ["ts.mrc.mdoc", "ts.mdoc"])
def test_an_mdoc_beside_a_stack_is_found(stack, name):
    stack.with_name(name).write_text(MDOC)
    series = TiltSeries.open(stack)
    assert np.allclose(series.geometry.tilt_angles, [-3, 0, 3])
    assert np.allclose(series.geometry.tilt_axis_angles, 85)
    assert np.allclose(TiltSeries.open(stack, tilt_axis_angle=3).geometry.tilt_axis_angles, 3)


def test_an_mdoc_gives_the_pixel_size_that_the_header_lacks(tmp_path):
    stack = write(tmp_path / "ts.mrc", voxel_size=0)
    (tmp_path / "ts.mrc.mdoc").write_text(MDOC)
    assert TiltSeries.open(stack).pixel_size == 2.5
    assert TiltSeries.open(stack, pixel_size=4).pixel_size == 4


def test_images_without_a_section_are_left_out(tmp_path, stack):
    (tmp_path / "ts.mdoc").write_text(MDOC.replace("[ZValue = 1]\nTiltAngle = 0\n", ""))
    series = TiltSeries.open(stack)
    assert np.array_equal(series.images, IMAGES[[0, 2]])
    used = write(tmp_path / "used.mrc", IMAGES[[0, 2]])
    (tmp_path / "used.mdoc").write_text((tmp_path / "ts.mdoc").read_text())
    with pytest.warns(UserWarning, match="uses 2 of 3 images, and the stack has 2"):
        series = TiltSeries.open(used)
    assert np.allclose(series.geometry.tilt_angles, [-3, 3])


def test_lists_of_angles_come_before_an_mdoc_which_is_named(tmp_path, stack):
    (tmp_path / "ts.mrc.mdoc").write_text(MDOC)
    (tmp_path / "ts.rawtlt").write_text("-4\n0\n4\n")
    with pytest.warns(UserWarning, match=r"ts\.mrc\.mdoc beside it is not used"):
        series = TiltSeries.open(stack, tilt_axis_angle=85)
    assert np.allclose(series.geometry.tilt_angles, [-4, 0, 4])


def test_missing_tilt_axis_gives_a_warning_unless_the_stack_is_aligned(tmp_path, stack):
    (tmp_path / "ts.tlt").write_text("-3\n0\n3\n")
    with pytest.warns(
        UserWarning, match=r"no tilt axis angle in .*ts\.tlt; assuming 0 degrees \(along y\)"
    ):
        TiltSeries.open(stack)
    for name in ("ts.ali", "ts_ali.mrc"):
        aligned = write(tmp_path / name)
        aligned.with_suffix(".tlt").write_text("-3\n0\n3\n")
        assert np.allclose(TiltSeries.open(aligned).geometry.tilt_axis_angles, 0)


def test_unused_alignments_beside_a_stack_are_named(tmp_path):
    stack = write(tmp_path / "BBa.st")
    (tmp_path / "BBa.tlt").write_text("-3\n0\n3\n")
    (tmp_path / "BBa.xf").write_text("1 0 0 1 0 0\n" * 3)
    (tmp_path / "BBb.xf").write_text("1 0 0 1 0 0\n" * 3)
    (tmp_path / "tilta.com").write_text("$tilt\nTILTFILE BBa.tlt\nTHICKNESS 8\n")
    (tmp_path / "tiltb.com").write_text("$tilt\nTILTFILE BBb.tlt\nTHICKNESS 8\n")
    with pytest.warns(
        UserWarning,
        match=r"tilta\.com, BBa\.xf beside it are not used\. To use tilta\.com, pass geometry=",
    ):
        TiltSeries.open(stack, tilt_axis_angle=0)
    aligned = write(tmp_path / "BBa.ali")
    sentence = unused_alignments(aligned, tmp_path / "BBa.tlt")
    assert "tilta.com beside it is not used" in sentence
    assert "aligned=True" in sentence
    assert unused_alignments(write(tmp_path / "other.st"), tmp_path / "other.tlt") is None


def test_saved_series_opens_without_warnings(tmp_path):
    series = TiltSeries(IMAGES, TiltGeometry.from_tilt_angles([-3, 0, 3]), pixel_size=2.5)
    path = series.save(tmp_path / "ts.mrc")
    (tmp_path / "ts.xf").write_text("1 0 0 1 0 0\n" * 3)
    assert TiltSeries.open(path).geometry == series.geometry


def test_the_json_of_another_program_is_not_taken_for_a_geometry(tmp_path, stack):
    (tmp_path / "ts.json").write_text(json.dumps({"run": "ts", "voxel_spacing": 10}))
    (tmp_path / "ts.tlt").write_text("-3\n0\n3\n")
    assert find_geometry_file(stack) == tmp_path / "ts.tlt"
    (tmp_path / "ts.json").write_text('{"format": "libtilt geometry", "version"')
    assert find_geometry_file(stack) == tmp_path / "ts.json"
    with pytest.raises(ValueError, match=r"ts\.json is not JSON"):
        TiltSeries.open(stack)


@pytest.mark.parametrize(
    ("name", "content"),
    [("ts.tlt", "x\n"), ("ts.mdoc", "hello"), ("ts.json", "{"), ("ts.rawtlt", "-3,5\n0,1\n3,5")],
)
def test_an_unreadable_file_beside_a_stack_is_an_error(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    volume = write(tmp_path / "ts.mrc", stack=False)
    with pytest.warns(UserWarning, match=rf"reading .*ts\.mrc as a volume, .*{name}"):
        assert find_tilt_geometry(volume, read_mrc_header(volume)) is None
    with pytest.raises(ValueError, match=name):
        TiltSeries.open(volume)


def test_a_volume_with_the_mdoc_of_its_series_beside_it_stays_one(tmp_path):
    tomogram = write(tmp_path / "ts.rec", np.zeros((20, 12, 16), np.float32), stack=False)
    (tmp_path / "ts.mdoc").write_text(MDOC)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_tilt_geometry(tomogram, read_mrc_header(tomogram)) is None


def of_size(sizes):
    return ImageContent(IMAGES, np.array(sizes, dtype=float), np.zeros(3), True, ())


def test_square_pixels_have_one_size_whatever_the_spacing_of_the_sections():
    assert pixel_size_from_header("tilts.st", of_size([2.5, 2.5, 1.0])) == 2.5
    assert pixel_size_from_header("tilts.st", of_size([2.5, 2.5, 0.0])) == 2.5


@pytest.mark.parametrize("sizes", [(0, 0, 0), (2.5, 0, 0), (0, 2.5, 1), (1, 1, 1)])
def test_a_pixel_size_that_the_header_does_not_know_is_none(sizes):
    assert pixel_size_from_header("tilts.st", of_size(sizes)) is None


def test_pixels_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match=r"tilts\.st has pixels of 2\.5 x 2 Å"):
        pixel_size_from_header("tilts.st", of_size([2.5, 2.0, 1.0]))


def saved(path, angle):
    series = TiltSeries(IMAGES, TiltGeometry.from_tilt_angles([-angle, 0, angle]), pixel_size=2.5)
    series.save(path)
    return series


def test_a_stack_with_the_geometry_of_another_save_is_refused(tmp_path):
    one, other = saved(tmp_path / "a.mrc", 3), saved(tmp_path / "b.mrc", 5)
    (tmp_path / "b.json").replace(tmp_path / "a.json")
    with pytest.raises(ValueError, match=r"a\.json was saved with another stack than .*a\.mrc"):
        TiltSeries.open(tmp_path / "a.mrc")
    meant = TiltSeries.open(tmp_path / "a.mrc", geometry=tmp_path / "a.json")
    assert meant.geometry == other.geometry
    one.geometry.to_json(tmp_path / "a.json", overwrite=True)
    assert TiltSeries.open(tmp_path / "a.mrc").geometry == one.geometry


def test_a_series_that_is_being_replaced_is_read_again(tmp_path, monkeypatch):
    saved(tmp_path / "a.mrc", 3)
    other = saved(tmp_path / "b.mrc", 5)
    old = (tmp_path / "a.json").read_text()
    (tmp_path / "b.mrc").replace(tmp_path / "a.mrc")

    def finish(_):
        (tmp_path / "b.json").replace(tmp_path / "a.json")
        monkeypatch.undo()

    monkeypatch.setattr("time.sleep", finish)
    assert TiltSeries.open(tmp_path / "a.mrc").geometry == other.geometry
    assert old != (tmp_path / "a.json").read_text()


def test_impossible_angles_are_refused_by_every_reader(tmp_path, stack):
    with pytest.raises(ValueError, match="geometry, entry 3: expected a tilt angle from -180"):
        TiltSeries.open(stack, geometry=[1, 1, 300])
    with pytest.raises(ValueError, match="tilt_axis_angle must be from -360 to 360"):
        TiltSeries.open(stack, geometry=[1, 2, 3], tilt_axis_angle=400)
    (tmp_path / "ts.tlt").write_text("2\n2\n2\n")
    with pytest.warns(UserWarning, match=r"ts\.tlt: all 3 tilt angles are 2 degrees"):
        TiltSeries.open(stack, tilt_axis_angle=0)


def test_the_angles_that_aretomo_writes_are_found(tmp_path, stack):
    (tmp_path / "ts_TLT.txt").write_text("-3 2 3.0\n0 1 3.0\n3 3 3.0\n")
    assert np.allclose(TiltSeries.open(stack, tilt_axis_angle=85).geometry.tilt_angles, [-3, 0, 3])
    aligned = TiltSeries.open(stack, geometry=tmp_path / "ts_TLT.txt", tilt_axis_angle=85)
    assert np.allclose(aligned.geometry.tilt_axis_angles, 85)


def test_equal_angles_of_an_aligned_stack_are_warned_of_too(tmp_path):
    aligned = write(tmp_path / "ts.ali")
    (tmp_path / "ts.tlt").write_text("2\n2\n2\n")
    with pytest.warns(UserWarning, match="all 3 tilt angles are 2 degrees") as told:
        TiltSeries.open(aligned)
    assert len(told) == 1
