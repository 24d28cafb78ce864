"""The pages that a source sees: each page (`pages`), what they describe (`site`), our sentences (`sentences`),
templates to HTML (`rendering`), and the translations (`catalogues`, from the `.po` files in locale/).
"""
