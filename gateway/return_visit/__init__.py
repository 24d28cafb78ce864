"""A source who comes back: what is done with return words (`return_visit`) and with the withdraw button (`withdrawal`),
what the desk is asked for then (`sealed_request`), the packets that carry it (`requests_packet`), and the trying of two
words that were written down (`try_words`).
"""
