"""The age v1 file format (C2SP age.md), with keys handed in; does no file input or output of its own.

`header` text and stanzas, `wrap` the file key to a recipient, `stream` the payload's chunks, `writer` and
`reader` whole files, `seekable` any part of a payload, `armor` the text form, `small` things that fit in memory.
"""
