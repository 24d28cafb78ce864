"""The check of RAR archives: blocks of RAR 3 and RAR 5, the quick-open copy, and unpacking by unar in a cage."""
