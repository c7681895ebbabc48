"""Reconstruction of a volume from its tilt series: one method a file."""

from libtilt.reconstruction.filters import (
    ExactFilter,
    Filter,
    RadialFilter,
    RampFilter,
    SIRTLikeFilter,
)
from libtilt.reconstruction.krylov import cgls, lsmr
from libtilt.reconstruction.result import Reconstruction
from libtilt.reconstruction.sirt import sirt
from libtilt.reconstruction.subvolumes import reconstruct_subvolume
from libtilt.reconstruction.tv import tv
from libtilt.reconstruction.wbp import wbp

__all__ = [
    "ExactFilter",
    "Filter",
    "RadialFilter",
    "RampFilter",
    "Reconstruction",
    "SIRTLikeFilter",
    "cgls",
    "lsmr",
    "reconstruct_subvolume",
    "sirt",
    "tv",
    "wbp",
]
