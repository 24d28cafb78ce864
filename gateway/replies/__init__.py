"""The desk's replies as they lie here, sealed: the file (`reply_store`) and the same in memory (`mailboxes`)."""
