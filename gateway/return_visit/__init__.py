"""A source who comes back: what is done with return words (`return_visit`), and the packets that ask the desk to delete
something (`sealed_request`).
"""
