"""What goes back to sources: replies, grants and counters, in one signed bundle for each gateway.

`replies` drafts and publishes, `reply_store` keeps what the next bundles carry, `qr_sheet` prints a bundle on paper.
"""
