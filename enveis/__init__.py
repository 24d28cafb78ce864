"""The command line. It imports all stations, each only when one of its commands is called; no station imports it.

`main` runs one call, `stations` finds the commands, `command` is one of them, `errors` how it fails, `terminal` what a
person sees. `wiring`, `unlocking`, `share_entry`, `passphrases` and `mounted_stick` are shared by commands: two homes,
identities, shares, passphrases and sticks. Rooms: `commands`, `completion`, `demo`.
"""
