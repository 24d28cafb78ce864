"""A batch as a BagIt bag on a stick: the *bag writer*, the *bag reader*, and the *free space* on the medium."""
