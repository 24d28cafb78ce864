"""The home directory of one gateway: its files (`home`), its settings (`config`, with the editors' own texts in
`editors_wording`, its `statements`, the `country`, and what sources are promised in `promise`; `profiles` are what a
new gateway starts with), the desk that it trusts (`desk_trust`), a new key in the place of the old (`rekey`), and the
key that marks withdraw buttons (`withdraw_key`).
"""
