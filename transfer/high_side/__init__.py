"""The desk's end of a crossing: which batches came, what is missing, and what does not fit together.

The *high side* is what an *import* of a bag works with; *staging* keeps packets apart until they are checked.
*Arrivals* are the ledger, *alarms* the contradictions in it. The *log copy* and the *signed heads* show when a gateway
rewrites its log. *Gateway days* are those that a gateway stated: they are named where they are far ahead, and never
count. The *status* lists all of it by gateway.
"""
