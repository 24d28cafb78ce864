"""Batches over a link on which nothing ever comes back (wire/WIRE.md).

wire/        what both ends must agree on: datagrams, notices, how an object is cut
sender/      the low side: from spool and ledger onto the link
receiver/    the high side: from the socket to a batch that can be imported
coder        RaptorQ; errors: failures of a link; settings: link.toml of each side; ending: when a process has to end
"""
