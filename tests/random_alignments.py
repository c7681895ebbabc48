"""Alignments of random geometries."""

import attrs
import numpy as np

from libtilt import TiltGeometry
from libtilt.alignment import (
    Alignment,
)


def random_alignment(seed=0, views=(0, 1, 3, 4, 6), x_tilts=0.0, binning=2, shape=(21, 18, 20)):
    rng = np.random.default_rng(seed)
    geometry = TiltGeometry.from_tilt_angles(
        rng.uniform(-70, 70, len(views)),
        tilt_axis_angle=rng.normal(85, 1, len(views)),
        x_tilts=x_tilts,
        shifts=rng.normal(size=(len(views), 2)) * 15,
    )
    return Alignment(
        geometry,
        views=views,
        stack_shape=(7, 37, 40),
        pixel_size=1.37,
        volume_shape=shape,
        voxel_size=1.37 * binning,
    )


def everything(seed=0):
    """With all that the richest formats hold."""
    plain = random_alignment(seed, x_tilts=[1.0, -2, 0.5, 3, 0])
    stretch = np.eye(2) + np.random.default_rng(seed).normal(size=(5, 2, 2)) * 0.02
    return attrs.evolve(plain, geometry=plain.geometry.evolve(magnifications=stretch))
