"""What is known of images that are left out goes from file to file."""

import attrs
import numpy as np
import pytest
from imod_by_hand import COMMAND, SIZES, files

from libtilt import TiltGeometry
from libtilt.alignment import (
    Alignment,
    ExcludedTilts,
    ImodAlignment,
    open_alignment,
    read_alignment_file,
    save_alignment,
)

PLAIN = "$tilt\nTILTFILE a.tlt\nXTILTFILE a.xtilt\nTHICKNESS 30\nEXCLUDELIST 2,4-5,7\n"
NEWST = "$newstack -xf a.xf a.st a.ali"
LEFT_OUT = [1, 3, 4, 6]


def imod(tmp_path, rng, command=PLAIN):
    tables = files(tmp_path, rng, command=command, newstack=NEWST)
    # Angles of their own, which nobody could guess from their neighbors.
    tables[1][LEFT_OUT] = [12.34, -45.6, 7.89, -3.21]
    np.savetxt(tmp_path / "a.tlt", tables[1], fmt="%10.4f")
    (tmp_path / "out").mkdir()
    return tables


def test_rows_of_excluded_views_stay_their_own(tmp_path, rng):
    xf, tlt, xtilt = imod(tmp_path, rng)
    file = read_alignment_file(tmp_path)
    alignment = file.alignment(SIZES)
    assert np.abs(alignment.excluded_tilt_angles - tlt[LEFT_OUT]).max() < 1e-9
    for name, like in (("plain", None), ("like", file)):
        (tmp_path / "out" / name).mkdir()
        path = save_alignment(alignment, tmp_path / "out" / name / "b.xf", like=like)
        assert np.abs(np.loadtxt(path.with_suffix(".xtilt")) - xtilt).max() < 1e-6
        assert np.abs(np.loadtxt(path.with_suffix(".tlt")) - tlt).max() < 1e-6
        assert np.abs(np.loadtxt(path) - xf).max() < 1e-6
        assert read_alignment_file(path).tilt.excluded == {2, 4, 5, 7}


def test_dark_frames_have_the_angles_of_the_excluded_views(tmp_path, rng):
    _, tlt, _ = imod(tmp_path, rng, PLAIN + "OFFSET 1.5\n")
    (tmp_path / "a.xtilt").write_text("0\n" * 8)
    xf = np.tile([0.0, 1, -1, 0, 3, 4], (8, 1))
    np.savetxt(tmp_path / "a.xf", xf)
    alignment = open_alignment(tmp_path, stack_shape=(8, 36, 41), pixel_size=2.0)
    path = save_alignment(alignment, tmp_path / "out" / "a.aln")
    dark = read_alignment_file(path).dark_frames
    assert [frame.section - 1 for frame in dark] == LEFT_OUT
    assert np.abs([frame.tilt_angle for frame in dark] - (tlt[LEFT_OUT] + 1.5)).max() < 1e-4
    # Their places are by angle among all images.
    order = np.argsort(np.argsort(tlt))
    assert [frame.frame for frame in dark] == order[LEFT_OUT].tolist()


@pytest.mark.parametrize("name", ["a.aln", "a.xml", "a.xf"])
@pytest.mark.parametrize("then", ["b.aln", "b.xml", "b.xf"])
def test_angles_of_images_left_out_go_from_format_to_format(tmp_path, name, then):
    angles = [-60.5, 3.25]
    alignment = Alignment(
        TiltGeometry.from_tilt_angles([-30, 0, 30], tilt_axis_angle=85),
        views=[0, 2, 4],
        stack_shape=(5, 36, 41),
        pixel_size=2.0,
        volume_shape=(20, 36, 41),
        voxel_size=2.0,
        excluded_tilts=ExcludedTilts(angles),
    )
    for folder, file in (("1", name), ("2", then)):
        (tmp_path / folder).mkdir()
        path = save_alignment(alignment, tmp_path / folder / file)
        alignment = open_alignment(path, **attrs.asdict(alignment.sizes))
        assert np.abs(alignment.excluded_tilt_angles - angles).max() < 1e-4


@pytest.mark.parametrize("name", ["a.aln", "a.xml", "a.xf"])
def test_unknown_angles_are_interpolated_with_a_warning(tmp_path, name):
    alignment = Alignment(
        TiltGeometry.from_tilt_angles([-30, 0, 30]),
        views=[0, 2, 4],
        stack_shape=(5, 36, 41),
        pixel_size=2.0,
        volume_shape=(20, 36, 41),
        voxel_size=2.0,
        excluded_tilts=ExcludedTilts([np.nan, 80]),
    )
    with pytest.warns(
        UserWarning, match="^tilt angles of excluded images are unknown \\(1\\); interpolating"
    ):
        path = save_alignment(alignment, tmp_path / name)
    again = open_alignment(path, **attrs.asdict(alignment.sizes))
    assert np.abs(again.excluded_tilt_angles - [-15, 80]).max() < 1e-4


def test_singular_transform_keeps_the_angle(tmp_path, rng):
    imod(tmp_path, rng, COMMAND)
    file = ImodAlignment.read(tmp_path)
    transforms = np.array(file.transforms)
    transforms[1, :, :2] = [[1e-3, 0], [0, 1e4]]
    alignment = attrs.evolve(file, transforms=transforms).alignment(SIZES)
    assert alignment.excluded_tilts.geometry is None
    assert np.allclose(alignment.excluded_tilt_angles, file.tilt_angles[LEFT_OUT] + 2.5)


def test_excluded_tilts_must_be_as_many_as_images_are_left_out(tmp_path, rng):
    imod(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    with pytest.raises(ValueError, match=r"one entry per excluded image: expected 4, got 1"):
        attrs.evolve(alignment, excluded_tilts=ExcludedTilts([1.0]))
    with pytest.raises(ValueError, match=r"one tilt per angle: expected 1, got 2"):
        ExcludedTilts([1.0], TiltGeometry.from_tilt_angles([1.0, 2]))
    with pytest.raises(
        ValueError, match=r"tilt_angles must be one-dimensional, got shape \(1, 1\)"
    ):
        ExcludedTilts([[1.0]])


def test_another_tilt_axis_turns_excluded_tilts_too(tmp_path, rng):
    imod(tmp_path, rng)
    sizes = attrs.evolve(SIZES, tilt_axis_angle=42)
    alignment = ImodAlignment.read(tmp_path).alignment(sizes)
    assert np.allclose(alignment.excluded_tilts.geometry.tilt_axis_angles, 42)
    used = ImodAlignment.read(tmp_path).alignment(attrs.evolve(sizes, stack_shape=(4, 36, 41)))
    assert (used.excluded_tilts, used.stack_shape[0]) == (None, 4)
