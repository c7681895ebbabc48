"""Stacks of images resampled and cropped, with the geometry that then fits them."""

from libtilt.stacks.aligned import aligned_stack
from libtilt.stacks.crops import Crop, crops_at

__all__ = ["Crop", "aligned_stack", "crops_at"]
