"""IMOD: ``tilt.com``, ``newst.com``, ``.xf``, ``.tlt`` and ``.xtilt``."""
