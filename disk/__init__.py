"""Our own files on a disk: whole or absent, private, and strictly read. Imports nothing of ours."""
