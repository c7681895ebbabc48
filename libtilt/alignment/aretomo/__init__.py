"""AreTomo: the ``.aln`` of a tilt series."""
