"""Takes a stranger's bytes and seals them as they arrive; knows recipients (public keys) only."""
