"""The check of PDFs, seen in two ways that do not trust each other.

The raw bytes with the names in them, in a known place and bare ones, the lexer that tells where a name stands, and what
stands around the file. And the objects that pypdf walks, with an examiner for each value: actions, the places that
paths lead to, attachments, privacy; notes of what pypdf warns of, the others that no cross-reference names, object
streams as lists, and the repair of a file whose cross-reference is broken.
"""
