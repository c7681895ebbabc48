"""Stacks of images resampled and cropped, with the geometry that then fits them."""

from libtilt.resampling.align import align_stack
from libtilt.resampling.patches import Patch, extract_patches

__all__ = ["Patch", "align_stack", "extract_patches"]
