"""Keys, and what is sealed, signed or written down with them.

The public half and the private half are separate modules. `recipient` seals, `secret` and `identity` open (the low
side never loads `identity`); `generation` is the signed list of recipients, `signing` minisign's keys, `ed25519` a
receipt's. `receipt` derives keys from a source's words, `words` turns numbers into words of a `word_list`, `shares`
splits an identity, `paper` prints one. `passphrase` is what a person types and the form that a key is derived from,
`passphrase_strength` how easily it is guessed. `bech32` and `base64_text` are text forms, `errors` the base of
failures.
Rooms: `age`, the file format; `word_lists`, the data.
"""
