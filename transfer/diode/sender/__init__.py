"""The low side of a link: reads spool and ledger, sends datagrams at a fixed rate, receives nothing.

sender            the loop that decides what happens next
batch_object      a batch as the bytes of an object; a new batch from what waits in the spool
schedule          which object is sent next, and how often
transmission      one pass of one object: blocks, repair symbols, headers
heartbeats        heartbeats and signed histories, and how far the sender is
encoder_process   the process that computes repair symbols
outlet            the socket that only sends; token_bucket: its rate
link_ledger       which batches go over the link, and how often each was sent
"""
