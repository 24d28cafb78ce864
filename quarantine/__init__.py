"""Looks at one file at a time and answers with a Verdict; keeps nothing and imports nothing of ours."""
