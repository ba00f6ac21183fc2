"""The panels: they show the state and raise signals, and decide nothing."""
