"""A source who comes back: what is done with return words (`return_visit`), the packets that ask the desk to delete
something (`sealed_request`), and the trying of two words that were written down (`try_words`).
"""
