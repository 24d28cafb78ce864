"""The enveis command: mounts each station's sub-commands lazily; nothing imports it."""
