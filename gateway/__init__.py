"""Takes a stranger's bytes and seals them as they arrive; knows recipients (public keys) only.

The rooms, in the order of a submission's way: `http` (what comes in and goes out), `reading` (one request's body),
`submission` (from the first part to a durable packet), `receipts` (words and their keys), `return_visit` and `replies`
(a source who comes back), `pages` (what a source sees), `home` (the directory, settings and keys),
`law` (what a country's law gives a source).
At the door: `serve` (start to stop), `station` (what one process works with), `start_cage`, `scanner_watch`,
`hardening`, `metrics`; the nouns that the rooms share: `form`, `charsets`, `limits`, `problems`, `views`, `languages`,
`errors`.
"""
