"""Files on a disk: our own, and those that people hand over. Imports nothing of ours.

*Durable* files are whole or absent, and private; a *lock* keeps processes apart; *settings* are one TOML file, read
strictly; *handed over* is the one way in which a file from outside is opened; *expected* is the base of every failure
that a correct program has to expect.
"""
