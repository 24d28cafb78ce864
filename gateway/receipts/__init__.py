"""Return words, proof words and their keys: a receipt for one who sends (`fresh_receipt`), the keys of one who comes
back (`return_keys`), and the threads that derive both (`derivation_pool`).
"""
