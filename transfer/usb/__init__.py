"""A batch as a BagIt bag on a stick.

The *bag writer* and *bag reader*; *bag search* finds batches in another folder; *free space* on the medium and the desk.
"""
