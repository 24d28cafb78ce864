"""The gateway's end of a crossing: which packets go in which batch, and what may be deleted.

The *low side* is what all of it works with. *Waiting* packets, oldest first, go into a *draft*, which an *export* puts
into *bags*. The *outbox* is the ledger. An *acknowledgement* deletes what arrived, a *discard* deletes what nobody
fetched, and *recovery* completes what a crash interrupted. *Consistency* checks that ledger and log belong together.
The *status* lists what waits and for how long.
"""
