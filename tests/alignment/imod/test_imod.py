"""IMOD's files: against the formulas written out, on samples and on random alignments."""

import attrs
import numpy as np
import pytest
from imod_by_hand import COMMAND, NEWSTACK, SIZES, files, projected, transcribed, turn

from libtilt import Projector, TiltSeries
from libtilt.alignment import ImodAlignment, Sizes

SAMPLES = {
    "imod_bb": (Sizes(stack_shape=(61, 512, 512), pixel_size=10.1), (84, 550, 550), 1),
    "imod_portal": (Sizes(stack_shape=(59, 3832, 3708), pixel_size=1.5), (500, 958, 928), 4),
    "imod_etomo": (
        Sizes(stack_shape=(40, 4092, 5760), pixel_size=1.35, volume_shape=(301, 4092, 5760)),
        (301, 4092, 5760),
        1,
    ),
}


def test_points_agree_with_the_formulas_written_out(tmp_path, rng):
    xf, tlt, xtilt = files(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert alignment.views.tolist() == [0, 2, 5, 7]
    assert alignment.volume_shape == (31, 30, 45)
    image_center = [(41 - 1) / 2 + 2 + 1.25, (36 - 1) / 2 - 3]
    depth = 31 // 2 - 0.5 - 4.5
    volume_center = [45 // 2 - 0.5 + 1.25 + 3.5, (36 - 1) / 2 - 3, 31 - 1 - depth]
    points = rng.uniform(0, 40, (20, 3))
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view] + 2.5, xtilt[view] - 1.5,
            (image_center, volume_center), 1, (45, 30), (41, 36),
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9


@pytest.mark.parametrize(("binning", "middle"), [(2, 19.5), (3, 20.0), (4, 19.5), (2, 20), (4, 20)])
def test_a_binned_tomogram_is_reckoned_with_the_integers_of_tilt(tmp_path, rng, binning, middle):
    """Of 41 columns plain binning makes 21, 15 or 11 from -1 or -2 on, of another middle."""
    command = COMMAND.replace("Thickness 31", f"THICKNESS 63\nWIDTH 43\nIMAGEBINNED {binning}")
    newstack = NEWSTACK.replace("45,30", "23,15") + f"BinByFactor {binning}\n"
    newstack += "AntialiasFilter -1\n" if middle == 20 else ""
    xf, tlt, xtilt = files(tmp_path, rng, command=command, newstack=newstack)
    alignment = ImodAlignment.read(tmp_path / "tilt.com").alignment(SIZES)
    depth, width = 63 // binning, 43 // binning
    assert alignment.volume_shape == (depth, 15, width)
    assert alignment.voxel_size == 2.0 * binning
    full = [-(-41 // binning), -(-36 // binning)]
    start = [int(-2 / binning), 3 // binning]
    axis = 1.25 / binning
    image_center = [(full[0] - 1) / 2 - start[0] + axis, (full[1] - 1) / 2 - start[1]]
    z = depth - 1 - (depth // 2 - 0.5 - 4.5 / binning)
    volume_center = [width // 2 - 0.5 + axis + 3.5 / binning, image_center[1], z]
    points = rng.uniform(0, 20, (20, 3))
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view] + 2.5, xtilt[view] - 1.5,
            (image_center, volume_center), binning, (23, 15), (2 * middle + 1, 36),
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_agree_with_the_formulas_and_come_back(sample, shared_data, tmp_path, rng):
    folder = shared_data / "alignments" / sample
    sizes, shape, binning = SAMPLES[sample]
    file = ImodAlignment.read(folder)
    alignment = file.alignment(sizes)
    assert (alignment.volume_shape, alignment.voxel_size) == (shape, sizes.pixel_size * binning)
    tables = [sorted(folder.glob(f"*.{suffix}"))[0] for suffix in ("xf", "tlt", "xtilt")]
    xf, tlt, xtilt = map(np.loadtxt, tables)
    full, start = {
        "imod_bb": ((512, 512), (-19, -19)),
        "imod_portal": ((927, 958), (0, 0)),
        "imod_etomo": ((5760, 4092), (0, 0)),
    }[sample]
    depth, height, width = shape
    image_center = [(size - 1) / 2 - first for size, first in zip(full, start, strict=True)]
    volume_center = [width // 2 - 0.5, image_center[1], depth - 1 - (depth // 2 - 0.5)]
    points = rng.uniform(0, 1, (20, 3)) * [width, height, depth]
    x_axis_tilt = 1.94 if sample == "imod_bb" else 0
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view], xtilt[view] - x_axis_tilt, (image_center, volume_center),
            binning, (width, height), sizes.stack_shape[:0:-1],
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9
    again = ImodAlignment.from_alignment(alignment, like=file)
    for table in ("transforms", "tilt_angles", "x_tilts"):
        assert np.abs(getattr(again, table) - getattr(file, table)).max() < 1e-9
    ImodAlignment.from_alignment(alignment).write(tmp_path / "new.xf")
    written = ImodAlignment.read(tmp_path / "new.xf").alignment(alignment.sizes)
    assert alignment.distance(written) < 1e-5


@pytest.mark.parametrize("sizes", [(40, 36), (41, 35)])
@pytest.mark.parametrize("thickness", [20, 21])
@pytest.mark.parametrize("binning", [1, 2])
def test_the_adjoint_of_an_aligned_stack_equals_the_tomogram_of_tilt(
    tmp_path, rng, sizes, thickness, binning
):
    """Each voxel is the sum of the images, bilinearly, where IMOD's formulas say it lies."""
    nx, ny = sizes
    command = "\n".join(
        [
            "$tilt -StandardInput",
            "TILTFILE a.tlt",
            "XTILTFILE a.xtilt",
            f"IMAGEBINNED {binning}",
            f"THICKNESS {thickness * binning}",
            f"FULLIMAGE {(nx + 3) * binning} {ny * binning}",
            f"SUBSETSTART {binning} 0",
            f"OFFSET 1.5 {0.75 * binning}",
            f"SHIFT {2.25 * binning} {-1.5 * binning}",
            "XAXISTILT 2.25",
            "EXCLUDELIST 3",
        ]
    )
    _, tlt, xtilt = files(tmp_path, rng, n=5, command=command, newstack=None)
    images = rng.normal(size=(5, ny, nx))
    alignment = ImodAlignment.read(tmp_path, aligned=True).alignment(
        Sizes(stack_shape=images.shape, pixel_size=4.0)
    )
    assert alignment.volume_shape == (thickness, ny, nx)
    # IMOD's own indices: the file is y, depth, x, and z is minus depth.
    depth, y, x = np.meshgrid(*(np.arange(n) for n in (thickness, ny, nx)), indexing="ij")
    depth_center = thickness // 2 - 0.5 - 1.5
    middle = [(nx + 3 - 1) / 2 - 1 + 0.75, (ny - 1) / 2]
    q = np.stack([x - (nx // 2 - 0.5 + 0.75 + 2.25), y - middle[1], depth_center - depth])
    expected = np.zeros((ny, thickness, nx))
    for view in (0, 1, 3, 4):
        rows = turn(tlt[view] + 1.5, xtilt[view] - 2.25)[:2]
        u, v = np.tensordot(rows, q, 1) + np.reshape(middle, (2, 1, 1, 1))
        expected += bilinear(images[view], u, v).transpose(1, 0, 2)
    series = TiltSeries(images[alignment.views], alignment.geometry, pixel_size=4.0)
    projector = Projector(
        alignment.geometry, driven="voxel", volume_shape=alignment.volume_shape, backend="scipy"
    )
    volume = projector.adjoint(series).data
    assert np.abs(volume - expected.transpose(1, 0, 2)[::-1]).max() < 1e-10 * np.abs(expected).max()


def bilinear(image, u, v):
    """The image at ``(u, v)``, zero beyond its edges and linear toward it."""
    padded = np.pad(image, 2)
    u, v = (np.clip(p + 2, 0, n - 1.001) for p, n in zip((u, v), padded.shape[::-1], strict=True))
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    s, t = u - i, v - j
    upper = (1 - s) * padded[j, i] + s * padded[j, i + 1]
    lower = (1 - s) * padded[j + 1, i] + s * padded[j + 1, i + 1]
    return (1 - t) * upper + t * lower


def test_written_files_say_the_same_and_keep_the_constants(tmp_path, rng):
    files(tmp_path, rng)
    file = ImodAlignment.read(tmp_path)
    alignment = file.alignment(SIZES)
    (tmp_path / "out").mkdir()
    path = ImodAlignment.from_alignment(alignment, like=file).write(tmp_path / "out" / "b.xf")
    again = ImodAlignment.read(path)
    assert alignment.distance(again.alignment(SIZES)) < 1e-5
    assert attrs.evolve(again.tilt, included=frozenset()) == file.tilt
    for table in ("transforms", "tilt_angles", "x_tilts"):
        assert np.abs(getattr(again, table) - getattr(file, table)).max() < 1e-6
    with pytest.raises(FileExistsError, match=r"b\.(xf|tlt) already exists"):
        again.write(path)


def test_like_keeps_all_other_lines_of_the_command_files(tmp_path, rng):
    extra = "RADIAL 0.4 0.05\nLOG 0.0\nLOCALFILE a.local\nSCALE 0 1000\n"
    command = COMMAND.replace("FULLIMAGE", extra + "FULLIMAGE")
    files(tmp_path, rng, command=command, newstack=NEWSTACK + "FillValue 3\n")
    file = ImodAlignment.read(tmp_path)
    (tmp_path / "out").mkdir()
    made = ImodAlignment.from_alignment(file.alignment(SIZES), like=file)
    made.write(tmp_path / "out" / "b.xf")
    text = (tmp_path / "out" / "tilt.com").read_text()
    assert all(f"\n{line}\n" in text for line in extra.splitlines())
    assert "MODE" not in text
    assert "FillValue 3" in (tmp_path / "out" / "newst.com").read_text()
    assert ImodAlignment.read(tmp_path / "out").alignment(SIZES).unsupported == (
        "local alignments (a.local)",
    )


def test_some_slices_of_a_tomogram_keep_their_shape(tmp_path, rng):
    command = "$tilt\nTILTFILE a.tlt\nXTILTFILE a.xtilt\nTHICKNESS 16\nSLICE 3 20\n"
    files(tmp_path, rng, command=command, newstack=None)
    file = ImodAlignment.read(tmp_path)
    alignment = file.alignment(SIZES)
    assert alignment.volume_shape == (16, 18, 41)
    again = file.alignment(attrs.evolve(SIZES, volume_shape=(16, 18, 41)))
    assert alignment.distance(again) == 0
    made = ImodAlignment.from_alignment(alignment, like=file)
    assert alignment.distance(made.alignment(SIZES)) < 1e-9
