"""The check of PDFs, seen in two ways that do not trust each other.

The raw bytes with the names in them, in a known place and bare ones, and the lexer that tells where a name stands. And
the objects that pypdf walks: values, actions, the places that paths lead to, attachments, privacy, and the repair of a
file whose cross-reference is broken.
"""
