"""The pages that a source sees: each page (`pages`; what the form shows: `form_page`; what answers it:
`receipt_pages`), what they describe (`site`; of the law and its own statements: `rights`), our sentences
(`sentences`), a term in words (`term_words`), templates to HTML (`rendering`), and the translations (`catalogues`,
from the `.po` files in locale/).
"""
