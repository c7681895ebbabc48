"""Reconstruction of a volume from its tilt series: one file per method."""

from libtilt.reconstruction.cgls import CGLS
from libtilt.reconstruction.filters import (
    ExactFilter,
    Filter,
    RadialFilter,
    RampFilter,
    SIRTLikeFilter,
)
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress
from libtilt.reconstruction.registry import METHODS, resolve_method
from libtilt.reconstruction.result import Reconstruction
from libtilt.reconstruction.sirt import SIRT
from libtilt.reconstruction.subvolumes import reconstruct_subvolume
from libtilt.reconstruction.tv import TV
from libtilt.reconstruction.wbp import WBP

# After the modules of the same names, whose places they take here.
from libtilt.reconstruction.functions import cgls, sirt, tv, wbp  # isort: skip
from libtilt.reconstruction.reconstruct import reconstruct  # isort: skip

__all__ = [
    "CGLS",
    "METHODS",
    "SIRT",
    "TV",
    "WBP",
    "ExactFilter",
    "Filter",
    "LeastSquares",
    "Method",
    "Progress",
    "RadialFilter",
    "RampFilter",
    "Reconstruction",
    "SIRTLikeFilter",
    "cgls",
    "reconstruct",
    "reconstruct_subvolume",
    "resolve_method",
    "sirt",
    "tv",
    "wbp",
]
