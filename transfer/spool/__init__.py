"""Sealed packets waiting to leave the gateway; sees ciphertext only.

The *spool* is the folder, a *quota* says what still fits in it, *withdrawals* are the packets that their sources may
still take back, the *request journal* has what sources ask about packets that have left.
"""
