"""The log of the package: its assumptions and automatic choices, at the level INFO.

Programs show it with ``logging.basicConfig(level="INFO")``, commands with their option verbose.
What a user should check is not logged but raised as a warning.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("libtilt")
logger.addHandler(logging.NullHandler())
