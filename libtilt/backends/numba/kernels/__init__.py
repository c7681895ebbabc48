"""Compiled loops: what the numba backend computes with. Arrays in, arrays out, nothing checked."""
