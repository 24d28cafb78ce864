"""The check of texts: their charset, and marks that a reader does not see."""
