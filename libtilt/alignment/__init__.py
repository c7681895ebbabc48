"""Reading, writing and conversion of alignment files."""

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angles import AnglesFile
from libtilt.alignment.aretomo.alignment import AreTomoAlignment
from libtilt.alignment.aretomo.lines import DarkFrame
from libtilt.alignment.base import AlignmentFile, MatrixFile
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.geometry_file import GeometryFile
from libtilt.alignment.imod.alignment import ImodAlignment
from libtilt.alignment.mdoc.file import MdocFile
from libtilt.alignment.opening import (
    detect_format,
    open_alignment,
    read_alignment_file,
)
from libtilt.alignment.portal.alignment import PortalAlignment
from libtilt.alignment.relion.alignment import RelionAlignment
from libtilt.alignment.saving import save_alignment
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.alignment.warp.alignment import WarpAlignment

__all__ = [
    "Acquisition",
    "Alignment",
    "AlignmentFile",
    "AnglesFile",
    "AreTomoAlignment",
    "DarkFrame",
    "ExcludedTilts",
    "GeometryFile",
    "ImodAlignment",
    "KnownSizes",
    "MatrixFile",
    "MdocFile",
    "PortalAlignment",
    "RelionAlignment",
    "Sizes",
    "WarpAlignment",
    "detect_format",
    "open_alignment",
    "read_alignment_file",
    "save_alignment",
]
