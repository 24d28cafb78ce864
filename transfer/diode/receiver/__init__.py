"""The high side of a link: three processes that share files, and what people and the import see of them.

processes         the three roles, each in a process that is restarted when it dies
network_process   role network: socket to files, by recvmmsg, datagram_intake, symbol_run, link_state and loss
decode_process    role decode: computes the symbols that were lost
commit_process    role commit: checks an object and publishes its batch; part_copies copies it while it arrives
shelf             the folders; object_files, open_objects: the files of the objects in progress
symbol_map        which symbols are here, shared without a lock; symbol_store: where they are written
shares            the quota, in equal shares
arrived           what the import does with the folders
figures           what the network process counts; report: what an operator sees, and after how long
                  an object counts as abandoned (nothing is given up)
"""
