"""The log that nobody can rewrite without being noticed.

*Events* are what a station may log; the *chain* is the lines and how each names the one before; a *log* is the file,
with its *tail* (what a crash may have torn) and its closed *segments*. The *UTC day* is the only time in it; a
machine's *clock* is compared with the last one.

Beside it, the *operational log*: the lines for people who watch a machine, which prove nothing. Its *line writer* is
the thread that waits for a reader, so that nothing else does.
"""
