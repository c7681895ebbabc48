"""The log of the package: what it took for granted, at the level INFO.

Programs show it by ``logging.basicConfig(level="INFO")``, the command line by its option verbose.
What a user should check is a warning instead, and is not logged.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("libtilt")
logger.addHandler(logging.NullHandler())
