"""The packet format, and the channels that carry packets from the low side to the high side.

Everything here is built on *names* (a packet's id and its lane), *short ids* (what people read and type of an id),
*records* (one JSON object, read strictly) and *errors*. The *pairing* file tells the desk which gateway to trust; the
*head statement* tells a gateway with a new key where its old log ends; a *ledger file* is one private SQLite file.

Rooms: `packet/` and `batch/` and `bundle/` are formats and do no input or output; `spool/` keeps packets until they
leave; `low_side/` and `high_side/` are the two ends of a crossing; `usb/` and `diode/` are the two channels.
"""
