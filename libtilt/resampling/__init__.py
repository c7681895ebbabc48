"""Resampled and cropped stacks of images, with the matching geometry."""

from libtilt.resampling.align import align_stack
from libtilt.resampling.patches import Patch, extract_patches

__all__ = ["Patch", "align_stack", "extract_patches"]
