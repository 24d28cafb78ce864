"""The signed list of the packets that cross together (BATCH.md), and the answer to it. Does no input or output.

A *batch* is what a gateway signs; an *acknowledgement* is the words that the desk gives back for what arrived.
"""
