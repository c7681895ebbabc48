"""`libtilt info` of alignments, with as many sizes as the files and a stack beside them hold."""

import attrs
import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner

from libtilt import TiltGeometry
from libtilt.alignment import Alignment, RelionAlignment, save_alignment
from libtilt.cli import app

ALIGNMENT = Alignment(
    TiltGeometry.from_tilt_angles(
        [-40, -20, 0, 20], tilt_axis_angle=85.3, shifts=[[30, 40], [0, 0], [0, 0], [0, 0]]
    ),
    views=[0, 1, 2, 4],
    stack_shape=(5, 40, 48),
    pixel_size=2.5,
    volume_shape=(20, 40, 48),
    voxel_size=2.5,
)
NAMES = ["TS.xf", "TS.aln", "TS.star", "TS.xml", "TS.json", "TS.mdoc", "TS.tlt"]
pytestmark = pytest.mark.filterwarnings("ignore:tilt angles of excluded", "ignore:.* files cannot")


def info(*arguments, code=0):
    result = CliRunner().invoke(app, ["info", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def rows(path):
    found = {}
    for line in info(path).splitlines():
        found.setdefault(line[:15].strip(), line[16:])
    return found


def saved(folder, name, alignment=ALIGNMENT):
    if name in ("TS.json", "TS.tlt", "TS.mdoc"):  # These hold every image.
        every = attrs.evolve(alignment, stack_shape=(4, 40, 48), views=range(4))
        return save_alignment(every, folder / name, tolerance=1e9)
    return save_alignment(alignment, folder / name, tolerance=1e9)


@pytest.mark.parametrize("name", NAMES)
def test_the_angles_of_every_format_need_no_sizes(tmp_path, name):
    found = rows(saved(tmp_path, name))
    whole = name in ("TS.json", "TS.tlt", "TS.mdoc")
    assert found["file"].endswith(name)
    assert found["kind"].startswith(f"alignment of 4 of {4 if whole else 5} images, ") or (
        name == "TS.star"  # Rows of unused images are not in it.
    )
    assert found["tilts"] == "4 tilts from -40° to 20° in steps of 20°"
    if name == "TS.tlt":
        assert "assuming 0 degrees (along y)" in found["note"]
    else:
        assert found["tilt axis angle"] == "85.3°"
    if name == "TS.xf":
        # Shifts are in raw pixels about the center of the images.
        assert "images" not in found
        assert "shifts" not in found
        assert found["not in the file"] == "stack shape, pixel size"
        assert found["excluded views"] == "3"


def test_sizes_are_those_of_a_stack_of_the_same_name(tmp_path):
    path = saved(tmp_path, "TS.xf")
    mrcfile.write(tmp_path / "TS.st", np.zeros((5, 40, 48), np.float32), voxel_size=2.5)
    found = rows(path)
    assert found["images"] == "40 x 48 pixels of 2.5 Å"
    assert found["tomogram"] == "20 x 40 x 48 voxels of 2.5 Å"
    assert found["sizes"] == "of the images by TS.st, beside it"
    assert found["shifts"].startswith("up to 50")
    assert "not in the file" not in found
    mrcfile.write(
        tmp_path / "TS.st", np.zeros((9, 40, 48), np.float32), voxel_size=2.5, overwrite=True
    )
    found = rows(path)
    assert "images" not in found
    assert "but the stack has 9" in found["note"]


def test_notes_on_sizes_that_nobody_knows_are_left_out(tmp_path):
    """Without command files the size of the tomogram is assumed from that of the images."""
    path = saved(tmp_path, "TS.xf")
    for name in ("tilt.com", "newst.com"):
        (tmp_path / name).unlink()
    assert "note" not in rows(path)
    mrcfile.write(tmp_path / "TS.st", np.zeros((5, 40, 48), np.float32), voxel_size=2.5)
    assert "assuming that the tomogram is as deep as the images are wide, 48" in info(path)
    (tmp_path / "TS.edf").write_text("Setup.AxisA.ExcludeProjections=5\n")
    (tmp_path / "TS.st").unlink()
    assert rows(path)["note"] == (
        "TS.edf excludes view 5 (from 1), but it is used; exclude it afterwards, counted from 0 "
        "(--exclude 4 of libtilt reconstruct)"
    )


def test_sizes_are_those_of_the_only_stack_in_a_folder(tmp_path):
    saved(tmp_path, "TS.xf")
    assert "sizes" not in rows(tmp_path)
    mrcfile.write(tmp_path / "TS.st", np.zeros((5, 40, 48), np.float32), voxel_size=2.5)
    assert rows(tmp_path)["sizes"] == "of the images by TS.st, beside it"
    (tmp_path / "b.st").write_bytes((tmp_path / "TS.st").read_bytes())
    (tmp_path / "b.tlt").write_text("0\n")
    assert "sizes" not in rows(tmp_path)


def test_a_folder_is_described_as_its_alignment(tmp_path):
    saved(tmp_path, "TS.xf")
    assert rows(tmp_path)["kind"] == "alignment of 4 of 5 images, imod"
    (tmp_path / "empty").mkdir()
    assert "holds no alignment" in info(tmp_path / "empty", code=1)


def test_x_tilts_are_shown(tmp_path):
    g = ALIGNMENT.geometry
    tilted = TiltGeometry.from_tilt_angles(
        g.tilt_angles, tilt_axis_angle=85.3, x_tilts=[0.5, 0, 0, -2.25]
    )
    path = saved(tmp_path, "TS.xf", attrs.evolve(ALIGNMENT, geometry=tilted))
    assert rows(path)["x-tilts"] == "up to 2.25°"


def test_readers_options_are_those_of_alignments(tmp_path):
    target = tmp_path / "tomograms.star"
    for name in ("one", "two"):
        made = attrs.evolve(ALIGNMENT, stack_name=f"{name}.mrc")
        RelionAlignment.from_alignment(made).write(target, append=True)
    assert "use --name, one of one, two" in info(target, code=1)
    assert "4 tilts" in info(target, "--name", "two")
    mrcfile.write(tmp_path / "a.mrc", np.zeros((5, 4, 4), np.float32), voxel_size=2.5)
    assert "--name requires an alignment" in info(tmp_path / "a.mrc", "--name", "x", code=2)
    assert "unknown option name" in info(saved(tmp_path, "TS.aln"), "--name", "two", code=1)
