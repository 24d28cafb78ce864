"""TODO: what this room owns."""
