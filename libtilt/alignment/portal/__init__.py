"""The CryoET Data Portal: ``alignment_metadata.json``."""
