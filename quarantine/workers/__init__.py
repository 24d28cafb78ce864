"""The processes that read files, and the broker's ends of them.

A zygote forks spares; a spare that is given a file is its worker, for that file only. On the broker's side a zygote
client starts the zygote, an assignment is one worker's work, and the caged examiner reads the answers. The protocol is
the form of their messages, the warm-up what a zygote loads before the first fork, the cage test what a worker may not
do.
"""
