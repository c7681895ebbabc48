"""The field's alignment files: read, written and converted."""

from libtilt.alignment.base import Alignment, AlignmentFile, Sizes

__all__ = ["Alignment", "AlignmentFile", "Sizes"]
