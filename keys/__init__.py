"""age, minisign and the receipt's keys; the public half and the private half are separate modules."""
