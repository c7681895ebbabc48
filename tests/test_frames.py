import numpy as np
import pytest
from helpers import SINGLE_AXIS

from libtilt.frames import Frame, PartialFrame
from libtilt.grids import sampling_grids

VOXEL = np.array([1.0, 2.0, 3.0])
NOTHING = PartialFrame(None, None, None, None)


def figures(frame):
    return (frame.volume_shape, frame.image_shape, frame.voxel_size.tolist(), frame.pixel_size)


def known(**fields):
    if "voxel_size" in fields:
        fields["voxel_size"] = np.array(fields["voxel_size"])
    empty = {"volume_shape": None, "image_shape": None, "voxel_size": None, "pixel_size": None}
    return PartialFrame(**(empty | fields))


@pytest.mark.parametrize(
    ("partial", "voxel_size", "expected"),
    [
        (NOTHING, None, ((4, 5, 6), (5, 6), [1, 1, 1], 1)),
        (NOTHING, VOXEL, ((4, 5, 6), (5, 6), [1, 2, 3], 1)),
        (known(pixel_size=2.0), None, ((4, 5, 6), (5, 6), [2, 2, 2], 2)),
        (known(voxel_size=VOXEL * 2), None, ((4, 5, 6), (5, 6), [2, 4, 6], 2)),
        (known(voxel_size=VOXEL, pixel_size=4.0), None, ((4, 5, 6), (5, 6), [1, 2, 3], 4)),
        (known(image_shape=(9, 8)), None, ((4, 5, 6), (9, 8), [1, 1, 1], 1)),
        (known(voxel_size=VOXEL), VOXEL * 1.00005, ((4, 5, 6), (5, 6), [1, 2, 3], 1)),
    ],
)
def test_a_volume_completes_what_is_known(partial, voxel_size, expected):
    assert figures(partial.with_volume((4, 5, 6), voxel_size)) == expected


@pytest.mark.parametrize(
    ("partial", "pixel_size", "expected"),
    [
        (known(), None, ([1, 1, 1], 1)),
        (known(), 2.0, ([2, 2, 2], 2)),
        (known(voxel_size=VOXEL * 2), None, ([2, 4, 6], 2)),
        (known(voxel_size=VOXEL * 2), 3.0, ([2, 4, 6], 3)),
        (known(pixel_size=2.0), None, ([2, 2, 2], 2)),
        (known(pixel_size=2.0, voxel_size=VOXEL), 2.0, ([1, 2, 3], 2)),
    ],
)
def test_images_complete_what_is_known(partial, pixel_size, expected):
    partial = PartialFrame((4, 5, 6), None, partial.voxel_size, partial.pixel_size)
    frame = partial.with_images((7, 8), pixel_size)
    assert figures(frame) == ((4, 5, 6), (7, 8), *expected)


@pytest.mark.parametrize(
    ("partial", "message"),
    [
        (known(volume_shape=(4, 5, 7)), r"volume_shape \(4, 5, 7\), got \(4, 5, 6\)"),
        (known(voxel_size=VOXEL * 2), r"voxel_size \[2.0, 4.0, 6.0\], got \[1.0, 2.0, 3.0\]"),
        (known(voxel_size=[1.0, 2.0, 3.001]), r"voxel_size \[1.0, 2.0, 3.001\], got"),
    ],
)
def test_a_volume_that_disagrees_is_refused(partial, message):
    with pytest.raises(ValueError, match=f"volume must have the projector's {message}"):
        partial.with_volume((4, 5, 6), VOXEL)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_shape": (7, 9)}, r"image_shape \(7, 9\), got \(7, 8\)"),
        ({"pixel_size": 2.5}, r"pixel_size 2.5, got 2.0"),
    ],
)
def test_images_that_disagree_are_refused(fields, message):
    partial = known(volume_shape=(4, 5, 6), **fields)
    with pytest.raises(ValueError, match=f"tilt_series must have the projector's {message}"):
        partial.with_images((7, 8), 2.0)


def test_without_a_volume_shape_the_message_says_what_to_pass():
    with pytest.raises(ValueError, match=r"volume_shape must be given .*\(depth, 7, 8\)"):
        NOTHING.with_images((7, 8), None)


def test_a_frame_makes_the_grids_of_a_geometry():
    frame = Frame((4, 5, 6), (7, 8), VOXEL, 1.5)
    expected = sampling_grids(
        SINGLE_AXIS.rotation_matrices, SINGLE_AXIS.shifts, (4, 5, 6), (7, 8), VOXEL, 1.5
    )
    assert np.array_equal(frame.grids(SINGLE_AXIS), expected)
