"""SerialEM and Tomo5: the ``.mdoc`` of a tilt series."""
