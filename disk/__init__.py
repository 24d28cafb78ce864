"""Our own files on a disk. Imports nothing of ours.

*Durable* files are whole or absent, and private; a *lock* keeps processes apart; *settings* are one TOML file, read
strictly; *expected* is the base of every failure that a correct program has to expect.
"""
