"""Projection of volumes along tilts, and its exact adjoint."""

from libtilt.projector.linear_operator import AdjointProjector, ProjectionOperator
from libtilt.projector.projector import Projector

__all__ = ["AdjointProjector", "ProjectionOperator", "Projector"]
