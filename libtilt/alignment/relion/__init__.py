"""RELION-5: STAR files of tilt series, and the project that lists them."""
