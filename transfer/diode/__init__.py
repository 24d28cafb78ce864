"""Batches over a link on which nothing ever comes back (WIRE.md): the sender's side and the receiver's."""
