"""One submission, from its first part to a durable packet: the steps and their order (`receive`), why somebody sends
(`errand`: `first_visit`, perhaps with an `own_receipt`, or `later_visit`), who waits for the answer (`visitor`), which
parts are kept (`intake`), whether the same came before (`repeats`), the packet that grows (`sealed_upload`), and the
inspection of its files (`inspection`), which reads them back from the sealed packet (`plaintext_span`). What
sources ask about packets that have left goes through the `request_queue`.
"""
