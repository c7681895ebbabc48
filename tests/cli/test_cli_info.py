"""`libtilt info` of a series begins with how it was tilted."""

import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.cli import app

MDOC = """PixelSpacing = 2
ImageFile = ts.mrc
ImageSize = 24 20

[T = Tilt axis angle = 85.3, binning = 1]
"""


def info(path):
    result = CliRunner().invoke(app, ["info", str(path)])
    assert result.exit_code == 0, result.output
    return result.output


def mdoc(angles, order, *, dose=3.0):
    """Sections in the order of images, with the second of the day that each was taken at."""
    return MDOC + "".join(
        f"\n[ZValue = {z}]\nTiltAngle = {angle}\nExposureDose = {dose}\n"
        f"DateTime = 01-Jan-24  10:00:{10 + rank}\n"
        for z, (angle, rank) in enumerate(zip(angles, order, strict=True))
    )


@pytest.fixture
def stack(tmp_path, rng):
    images = rng.random((5, 20, 24)).astype(np.float32)
    mrcfile.write(tmp_path / "ts.mrc", images, voxel_size=2.0)
    return tmp_path / "ts.mrc"


def test_a_series_by_its_mdoc_begins_with_tilts_axis_order_and_exposure(stack):
    stack.with_name("ts.mrc.mdoc").write_text(mdoc([-6, -3, 0, 3, 6], [4, 2, 0, 1, 3]))
    assert info(stack).splitlines()[:9] == [
        f"file         {stack}",
        "tilts        5 tilts from -6° to 6° in steps of 3°",
        "tilt axis    at 85.3° from y",
        "order        dose-symmetric",
        "exposure     3 e/Å² per image, 15 e/Å² in all",
        f"kind         tilt series, geometry from {stack}.mdoc",
        "images       5 of 20 x 24 pixels  (y, x)",
        "pixel size   2 Å",
        "type         float32",
    ]


@pytest.mark.parametrize("angles", [[-6, -3, 0, 3, 6], [-6.1, -3.2, 0.3, 3, 6]])
def test_order_and_exposure_of_a_list_of_angles_are_those_of_the_mdoc_beside_it(stack, angles):
    stack.with_suffix(".tlt").write_text("\n".join(map(str, angles)) + "\n")
    unknown = "acquisition  order and exposure unknown: "
    assert f"{unknown}no .mdoc beside the stack\nkind " in info(stack)
    stack.with_suffix(".mdoc").write_text(mdoc([-6, -3, 0, 3, 6], range(5)))
    lines = info(stack).splitlines()
    assert lines[3:5] == [
        "order        unidirectional, from ts.mdoc",
        "exposure     3 e/Å² per image, 15 e/Å² in all, from ts.mdoc",
    ]
    # Of another order than the stack: its sections are not those of the images.
    stack.with_suffix(".mdoc").write_text(mdoc([0, 3, -3, -6, 6], range(5)))
    assert f"{unknown}ts.mdoc does not tell them for these tilts\n" in info(stack)


def test_a_saved_series_has_no_order(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=-12)
    path = TiltSeries(np.ones((3, 4, 4)), geometry, pixel_size=2.0).save(tmp_path / "a.mrc")
    assert info(path).splitlines()[1:4] == [
        "tilts        3 tilts from -3° to 3° in steps of 3°",
        "tilt axis    at -12° from y",
        "acquisition  order and exposure unknown: no .mdoc beside the stack",
    ]


def test_a_series_whose_geometry_cannot_be_opened_has_no_such_lines(stack):
    stack.with_name("ts.mrc.mdoc").write_text(
        mdoc([-6, -3, 0, 3, 6], range(5)).replace("Tilt axis angle = 85.3, ", "")
    )
    assert info(stack).splitlines()[1].startswith("kind ")
    assert "use --tilt-axis-angle of libtilt reconstruct" in info(stack)


def test_sizes_are_in_angstroms_and_an_origin_of_0_is_no_row(tmp_path):
    volume = Volume(np.ones((2, 3, 4), np.float32), voxel_size=2.0, origin=(0, 0, 0))
    printed = info(volume.save(tmp_path / "a.mrc"))
    assert "shape        2 x 3 x 4  (z, y, x)\nvoxel size   2 Å\ntype " in printed
    assert "origin" not in printed
    uneven = volume.evolve(voxel_size=(2, 2, 4), origin=(0, 1, 0))
    printed = info(uneven.save(tmp_path / "b.mrc"))
    assert "voxel size   2 2 4 Å  (x, y, z)\norigin       0 1 0 Å  (x, y, z)\n" in printed


def test_notes_name_options_of_the_commands_that_have_them(tmp_path):
    mrcfile.write(tmp_path / "one.mrc", np.zeros((3, 8, 8), np.float32), voxel_size=1.0)
    told = "Use --voxel-size of libtilt project (for a volume) or --pixel-size of libtilt recons"
    assert told in info(tmp_path / "one.mrc")
