"""HTTP at both ends: requests and what they ask for (`app`, `posts`), and every response (`responses`)."""
