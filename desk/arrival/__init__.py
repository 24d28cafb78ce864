"""What arrived at the desk: which packets lie in the inbox, what is in one, and whom it is from.

`inbox` lists packets without opening them, `sorting` reads what each one asks, `opening` opens one, `locking` says
which of its files stay locked, `opened_copies` is the plaintext that this leaves, and `erasure` erases a packet;
`case_links` says which belong together and `requests` what their sources ask; `gateways` are the gateways that are or
were trusted, and the logs that came from them.
"""
