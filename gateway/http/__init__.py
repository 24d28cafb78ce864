"""HTTP at both ends: the port and who may share it (`port`), connections and what they take (`connections`), what one
says of its visitor (`connected_visitor`), requests and what they ask for (`app`, `posts`), why something was not done
(`refusals`), every response (`responses`).
"""
