"""The check of ZIP archives: the directory and its extra fields, members, and the expanding of one member."""
