"""Sealed packets waiting to leave the gateway; sees ciphertext only.

The *spool* is the folder, an *incoming* packet is one that is being written, and the *lanes* have a folder for each
tick. The *moves* of packets between them are counted by the *room*, in its *counts file*. A *quota* says what still
fits, *withdrawals* are the packets that their sources may still take back, the *request journal* has what sources ask
about packets that have left.
"""
