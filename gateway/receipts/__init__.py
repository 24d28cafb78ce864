"""Return words, proof words and their keys: receipts made ahead (`premade`), the keys of return words (`return_keys`),
and the process that derives both (`derivation_process`), with the gateway's end of its pipe (`derivation_client`).
"""
