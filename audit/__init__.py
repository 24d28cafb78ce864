"""The log that cannot be rewritten unseen; beside it, the lines for people who watch a machine (`operational_log`)."""
