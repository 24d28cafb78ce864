"""What both ends of a link must agree on (WIRE.md, in this folder). Does no input or output; knows neither end.

datagram     one datagram: fields, MAC, veil; the link key
notices      object header, history, heartbeat: what a sender reports about itself
geometry     how an object is cut into blocks and symbols
container    how the files of a batch lie in an object
"""
