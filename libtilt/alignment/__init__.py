"""The field's alignment files: read, written and converted."""

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angles import AnglesFile
from libtilt.alignment.aretomo import AreTomoAlignment
from libtilt.alignment.aretomo_lines import DarkFrame
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.geometry_file import GeometryFile
from libtilt.alignment.imod import ImodAlignment
from libtilt.alignment.mdoc import MdocFile
from libtilt.alignment.opening import (
    detect_format,
    open_alignment,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.portal import PortalAlignment
from libtilt.alignment.relion import RelionAlignment
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.warp import WarpAlignment

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
