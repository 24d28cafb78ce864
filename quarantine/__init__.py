"""Inspects one file at a time and answers with a Verdict; keeps nothing and imports nothing of ours but the error base.

Two kinds of process work here. The *broker* (`inspector`) runs in the gateway: it keeps files in memory (`memfd`) and
reads none of their formats. *Workers*, one for each file, read them in a cage. Between the two: budgets, file types,
an examination (what a worker answers), findings and verdicts.

cage      what a process gives up before it reads a stranger's bytes: layers, and attacks that test them
workers   zygote, spares and workers, and the broker's ends of them
scanner   clamd: asked, started for the tests and the demo, and tested with harmless samples
archive   what all archives share: names, members' content, and what may still be spent
zip, rar, pdf, image, text   the check of each format, in `check.py`, and its readers

Beside the rooms: `check_of_type` (which check for which type), `polyglots` (a second format inside a file),
`inspect_path` (files of one's own, for the command line), and `checks_page`, which writes CHECKS.md from the findings
and `checks.toml`.
"""
