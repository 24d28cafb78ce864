"""A batch as a BagIt bag on a stick.

The *bag writer* and the *bag reader*; *bag search* finds batches in another folder; *free space* is looked up on the
medium and on the desk.
"""
