"""The virus scanner: clamd's protocol, a clamd of our own for tests and demo, and canaries that it has to recognise."""
