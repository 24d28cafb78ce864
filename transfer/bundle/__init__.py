"""The one way back (BUNDLE.md): what the desk signs for one gateway. Does no input or output.

A *bundle* is a signed ZIP, read by the strict *ZIP reader*; its *contents* list sealed *replies*, counters and grants;
*QR frames* carry it on paper, as *QR codes*.
"""
