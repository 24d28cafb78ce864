"""HTTP at both ends: the port and who may share it (`port`), a visitor's connection (`connection`), requests and what
they ask for (`app`, `posts`), and every response (`responses`)."""
