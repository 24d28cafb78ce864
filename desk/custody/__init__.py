"""The desk's keys: that each can be replaced, and that each copy still opens a packet.

`generations` are the recipients that gateways seal to, `desk_key` the key that signs them; `rehearsal` opens a test
packet with every key, `share_sets` chooses the sets of shares for it.
"""
