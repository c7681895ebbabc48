"""IMOD's files by hand, and its formulas written out."""

import numpy as np

from libtilt.alignment import Sizes

COMMAND = """\
# made by hand
$setenv IMOD_OUTPUT_FORMAT MRC
$tilt -StandardInput
InputProjections a.ali
tiltfile a.tlt
XTILTFILE a.xtilt
Thickness 31
FULLIMAGE 41,36
SUBSETSTART  -2 , 3
OFFSET 2.5 1.25
SHIFT 3.5 -4.5
XAXISTILT 1.5
# EXCLUDELIST 3
EXCLUDELIST 2,4-5
EXCLUDELIST2 7
DONE
THICKNESS 998
$if (-e ./savework) ./savework
THICKNESS 999
"""
NEWSTACK = """\
$newstack -StandardInput
TransformFile a.xf
SizeToOutputInXandY 45,30
"""


def turn(beta, alpha):
    """``Ry(beta) Rx(alpha)``, written out."""
    b, a = np.radians([beta, alpha])
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    return np.array(about_y) @ about_x


def transcribed(points, xf, beta, alpha, centers, binning, aligned_size, raw_size):
    """Tomogram voxels (x, y, z after trimvol -rx) to raw pixels, one view, by IMOD's formulas."""
    image_center, volume_center = centers
    turned = (turn(beta, alpha) @ (points - volume_center).T).T[:, :2]
    aligned = turned + image_center
    a, d = np.reshape(xf[:4], (2, 2)), np.array(xf[4:])
    centerd = binning * (aligned - (np.array(aligned_size) - 1) / 2) - d
    return (np.linalg.inv(a) @ centerd.T).T + (np.array(raw_size) - 1) / 2


def files(folder, rng, n=8, command=COMMAND, newstack=NEWSTACK):
    xf = rng.normal(size=(n, 6)) * [0.02, 0.02, 0.02, 0.02, 5, 5] + [0.9, 0.4, -0.4, 0.9, 0, 0]
    tables = {"xf": xf, "tlt": np.linspace(-55, 50, n)[:, None], "xtilt": rng.normal(size=(n, 1))}
    for suffix, table in tables.items():
        np.savetxt(folder / f"a.{suffix}", table, fmt="%14.8f")
    (folder / "tilt.com").write_text(command)
    if newstack:
        (folder / "newst.com").write_text(newstack)
    return [np.loadtxt(folder / f"a.{suffix}") for suffix in tables]


def projected(alignment, points):
    return np.concatenate([points, np.ones((len(points), 1))], 1) @ (
        alignment.projection_matrices().transpose(0, 2, 1)
    )


SIZES = Sizes(stack_shape=(8, 36, 41), pixel_size=2.0)
