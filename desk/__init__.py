"""The high side: opens packets; alone loads the identity they are sealed to."""
