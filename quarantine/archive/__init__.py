"""What archives of every format share. Knows no format.

Names of members, a member's content and what its name promises, the allowance of a file (the broker's side of its
budgets), the spending on it (the worker's side), and BLAKE2sp sums.
"""
