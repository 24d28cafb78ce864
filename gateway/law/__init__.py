"""What the law of a country gives a source, and whom to call in danger: one file of texts for each country (`no.toml`,
`dk.toml`), read and checked by `texts`. Each text names its source and its date (docs/law.md, ADR 0049).
"""
