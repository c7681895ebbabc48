"""Image files: reading MRC, TIFF and HDF5, writing all or nothing, downloads."""
