"""What arrived at the desk: which packets lie in the inbox, what is in one, and whom it is from.

`inbox` lists packets without opening them, `opening` opens one, `case_links` says which belong together; `gateways` are
the gateways that are or were trusted, and the logs that came from them.
"""
