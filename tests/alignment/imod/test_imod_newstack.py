"""How IMOD's aligned stack lies on the raw one: binning, offsets, sizes that no file says."""

import numpy as np
import pytest
from imod_by_hand import SIZES, files, projected, transcribed

from libtilt.alignment import ImodAlignment, Sizes, open_alignment, read_alignment_file
from libtilt.alignment.imod.newstack import reduced_size
from libtilt.alignment.imod.tilt import TiltSetup

TILT = "$tilt\nTILTFILE a.tlt\nXTILTFILE a.xtilt\nTHICKNESS 20\n"
NEWST = "$newstack -xf a.xf a.st a.ali"
CASES = {
    "imod_newstack_arguments": ((3, 64, 64), [0, 1, 2], (320, 60, 64), 2 + 10),
    "imod_size_default_commas": ((3, 64, 64), [0, 1, 2], (320, 64, 64), 0),
    "imod_excludelist_backward": ((3, 64, 64), [2], (320, 64, 64), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_cases_lie_where_newstack_puts_them(shared_data, case):
    stack_shape, views, volume_shape, start = CASES[case]
    alignment = open_alignment(
        shared_data / "cases" / case, stack_shape=stack_shape, pixel_size=2.0
    )
    assert alignment.views.tolist() == views
    assert alignment.volume_shape == volume_shape
    rows = np.array([[31.5, row, 159.5] for row in range(volume_shape[1])])
    for seen in projected(alignment, rows):
        assert np.abs(seen[:, 1] - (rows[:, 1] + start)).max() < 1e-9


def test_a_binned_case_has_the_rows_of_newstack(shared_data):
    alignment = open_alignment(
        shared_data / "cases" / "imod_binned_no_size_k3",
        stack_shape=(3, 4092, 5760),
        pixel_size=2.0,
    )
    assert (alignment.volume_shape, alignment.voxel_size) == ((80, 1024, 1440), 8.0)
    rows = np.array([[719.5, row, 39.5] for row in (0, 512, 1023)])
    for seen in projected(alignment, rows):
        assert np.abs(seen[:, 1] - [-0.5, 2047.5, 4091.5]).max() < 1e-9
    [note] = alignment.notes
    assert "(1024, 1440) from the raw images, binned by 4" in note


@pytest.mark.parametrize(
    ("size", "factor", "binned", "filtered"),
    [
        (4092, 4, (1024, -2), (1023, 0)),
        (3708, 4, (928, -2), (927, 0)),
        (5760, 4, (1440, 0), (1440, 0)),
        (10, 4, (4, -3), (2, 1)),
        (9, 4, (3, -2), (2, 0.5)),
        (13, 4, (3, 0), (3, 0.5)),
        (41, 2, (21, -1), (20, 0.5)),
        (4090, 2, (2046, -1), (2045, 0)),
        (7, 1, (7, 0), (7, 0)),
    ],
)
def test_sizes_are_reduced_as_newstack_reduces_them(size, factor, binned, filtered):
    """By hand from getBinnedSize: parity is kept, and the picture reaches beyond its edges."""
    assert reduced_size(size, factor, antialias=False) == binned
    assert reduced_size(size, factor, antialias=True) == filtered


def by_newstack(aligned, xf, binning, out, offset, first, start, count):
    """Raw index of an aligned index, by the lines of newstack: edges count from the corner."""
    a, d = np.reshape(xf[:4], (2, 2)), np.array(xf[4:]) / binning
    xcen = np.array(offset) / binning
    d = d - (a @ xcen if first else xcen)
    centered = aligned + 0.5 - np.array(out) / 2 - d
    reduced_edges = (np.linalg.inv(a) @ centered.T).T + np.array(count) / 2
    return reduced_edges * binning + start - 0.5


@pytest.mark.parametrize(
    ("options", "binning", "out", "offset", "first", "start", "count"),
    [
        ("-size 30,40 -offset 3,-7.5", 1, (30, 40), (3, -7.5), False, (0, 0), (41, 36)),
        ("-size ,40 -offset 3,-7.5 -applyfirst", 1, (41, 40), (3, -7.5), True, (0, 0), (41, 36)),
        ("-bin 2 -offset 3,4", 2, (21, 18), (3, 4), False, (-1, 0), (21, 18)),
        ("-bin 4 -size 12,/", 4, (12, 10), (0, 0), False, (-2, -2), (11, 10)),
        ("-bin 4 -anti 5 -applyf -off 8,1", 4, (10, 9), (8, 1), True, (0.5, 0), (10, 9)),
        ("-shrink 3 -size 15,9", 3, (15, 9), (0, 0), False, (1, 0), (13, 12)),
    ],
)
def test_points_lie_where_newstack_takes_them_from(
    tmp_path, rng, options, binning, out, offset, first, start, count
):
    command = TILT + f"IMAGEBINNED {binning}\n"
    xf, tlt, xtilt = files(
        tmp_path, rng, command=command, newstack=NEWST.replace(" -xf", f" {options} -xf")
    )
    file = ImodAlignment.read(tmp_path)
    alignment = file.alignment(SIZES)
    depth = 20 // binning
    assert alignment.volume_shape == (depth, *out[::-1])
    points = rng.uniform(0, 10, (20, 3))
    middle = [(out[0] - 1) / 2, (out[1] - 1) / 2]
    center = [out[0] // 2 - 0.5, middle[1], depth - 1 - (depth // 2 - 0.5)]
    identity = [1, 0, 0, 1, 0, 0]
    for seen, view in zip(projected(alignment, points), range(8), strict=True):
        aligned = transcribed(
            points, identity, tlt[view], xtilt[view], (middle, center), 1, (1, 1), (1, 1)
        )
        expected = by_newstack(aligned, xf[view], binning, out, offset, first, start, count)
        assert np.abs(seen - expected).max() < 1e-9
    again = ImodAlignment.from_alignment(alignment, like=file)
    assert np.abs(again.transforms - file.transforms).max() < 1e-9
    (tmp_path / "out").mkdir()
    again.write(tmp_path / "out" / "a.xf")
    assert alignment.distance(ImodAlignment.read(tmp_path / "out").alignment(SIZES)) < 1e-5


def test_images_may_have_offsets_of_their_own(tmp_path, rng):
    offsets = rng.integers(-9, 9, (8, 2))
    lines = "".join(f"OffsetsInXandY {x},{y}\n" for x, y in offsets)
    newst = "$newstack -StandardInput\nTransformFile a.xf\nSizeToOutputInXandY 0,0\n"
    files(tmp_path, rng, command=TILT, newstack=newst)
    plain = ImodAlignment.read(tmp_path)
    (tmp_path / "newst.com").write_text(newst + lines)
    file = ImodAlignment.read(tmp_path)
    moved = (
        file.alignment(SIZES).projection_matrices() - plain.alignment(SIZES).projection_matrices()
    )
    inverse = np.linalg.inv(file.transforms[:, :, :2])
    assert np.abs(moved[:, :, 3] - (inverse @ offsets[:, :, None])[:, :, 0]).max() < 1e-9
    again = ImodAlignment.from_alignment(file.alignment(SIZES), like=file)
    assert np.abs(again.transforms - file.transforms).max() < 1e-9


@pytest.mark.parametrize(
    ("lines", "shape", "said"),
    [
        ("IMAGEBINNED 4\nFULLIMAGE 64 60\n", (16, 16), "FULLIMAGE and SUBSETSTART in tilt.com"),
        ("IMAGEBINNED 2\nFULLIMAGE 41,36\nSUBSETSTART -2 3\n", (16, 23), "binned by 2"),
        ("", (36, 41), "the raw images, unbinned"),
    ],
)
def test_without_newst_com_the_size_follows_tilt_com(tmp_path, rng, lines, shape, said):
    """Of 60 rows, 4 to one, come 16: 15 would be odd. Of 45 columns, 2 to one, come 23 of 22."""
    files(tmp_path, rng, command=TILT + lines, newstack=None)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert alignment.volume_shape[1:] == shape
    assert len(alignment.notes) == 1
    assert said in alignment.notes[0]


def test_missing_depth_is_noted(tmp_path, rng):
    files(tmp_path, rng, command=TILT.replace("THICKNESS 20\n", ""), newstack=NEWST)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert alignment.volume_shape == (41, 36, 41)
    assert "as deep as the images are wide, 41 voxels" in alignment.notes[0]


@pytest.mark.parametrize(("binning", "depth"), [(1, 41), (2, 20), (4, 10)])
def test_missing_depth_is_a_whole_number_of_binned_voxels(tmp_path, rng, binning, depth):
    command = TILT.replace("THICKNESS 20\n", f"IMAGEBINNED {binning}\n")
    newst = NEWST.replace(" -xf", f" -bin {binning} -xf")
    files(tmp_path, rng, command=command, newstack=newst)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert alignment.volume_shape[0] == depth
    assert alignment.notes[0].endswith(f"as the images are wide, {depth} voxels")


@pytest.mark.parametrize(("first", "last"), [(0, 35), (3, 35), (35, 35), (4, 20)])
def test_slices_are_rows_of_the_whole_tomogram(tmp_path, rng, first, last):
    """From the first to the last, both counted from 0 and both made."""
    files(tmp_path, rng, command=TILT, newstack=NEWST)
    whole = ImodAlignment.read(tmp_path).alignment(SIZES)
    (tmp_path / "tilt.com").write_text(TILT + f"SLICE {first} {last}\n")
    part = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert part.volume_shape == (20, last - first + 1, 41)
    points = rng.uniform(0, 10, (9, 3))
    assert (
        np.abs(projected(part, points) - projected(whole, points + np.array([0, first, 0]))).max()
        < 1e-9
    )


@pytest.mark.parametrize(
    ("slices", "binning", "first", "last"),
    [
        ((0, 39), 4, 0, 9),
        ((3, 4), 4, 0, 1),
        ((7, 8), 4, 1, 2),
        ((12, 44), 4, 3, 9),
        ((1, 2), 2, 0, 1),
        ((5, 8), 1, 5, 8),
    ],
)
def test_slices_of_unbinned_rows_become_rows_that_hold_them(slices, binning, first, last):
    """Counted from 1, rows of a binned stack are ``ceil(row / binning)``, as tilt has it."""
    setup = TiltSetup(thickness=8, binning=binning, slices=slices)
    whole = TiltSetup(thickness=8, binning=binning).layout((10, 12))
    layout = setup.layout((10, 12))
    assert layout.volume_shape[1] == last - first + 1
    assert whole.volume_center[1] - layout.volume_center[1] == first


def test_files_taken_in_place_of_others_are_warned_of(tmp_path, rng):
    files(tmp_path, rng, command=TILT, newstack=NEWST)
    (tmp_path / "a.tlt").rename(tmp_path / "b.tlt")
    warnings = ImodAlignment.read(tmp_path).alignment(SIZES).warnings
    assert [str(text).split("tilt.com ")[1] for text in warnings] == [
        "names a.tlt, which does not exist; using b.tlt"
    ]


def test_slices_beyond_the_images_are_refused(tmp_path, rng):
    files(tmp_path, rng, command=TILT + "SLICE 3 36\n", newstack=NEWST)
    with pytest.raises(ValueError, match=r"has SLICE 3 36, but the aligned images have 36 rows"):
        read_alignment_file(tmp_path).alignment(SIZES)


def test_a_subset_of_nothing_is_refused(tmp_path, rng):
    files(tmp_path, rng, command=TILT + "FULLIMAGE 41 36\nSUBSETSTART 0 18\n", newstack=None)
    with pytest.raises(ValueError, match=r"SUBSETSTART \(0, 18\), which leaves no pixels"):
        ImodAlignment.read(tmp_path).alignment(Sizes(stack_shape=(8, 36, 41), pixel_size=2.0))
