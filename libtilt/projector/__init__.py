"""Projection of volumes along tilts, and its exact adjoint."""

from libtilt.projector.projector import AdjointProjector, Projector

__all__ = ["AdjointProjector", "Projector"]
