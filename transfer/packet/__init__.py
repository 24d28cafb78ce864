"""One submission as one sealed file (FORMAT.md): its bytes, its manifest, its message. Does no input or output.

The *writer* makes an age file around a *stored ZIP*; the *manifest* lists what is in it and what the inspection found;
the *message* is what the source wrote. A *visit signature* joins a later visit to its case, an *authorship proof* shows
who wrote a packet. A *request* is what a source asks about what was sent before.
"""
