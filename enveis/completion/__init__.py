"""Completion of the command line in bash and zsh.

Two static scripts, `enveis.bash` and `enveis.zsh`: to complete a word loads no Python at all, and to print a script
loads no station. `generate` makes them from the commands' own arguments, by way of `call_shape`, `bash_script` and
`zsh_script`; `command` prints them.
"""
