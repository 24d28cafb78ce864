"""HTTP at both ends: requests to what they ask for (`app`, `posts`), and the only responses that leave (`responses`)."""
