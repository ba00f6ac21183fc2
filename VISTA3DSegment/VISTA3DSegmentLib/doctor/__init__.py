"""What this computer has, what would run a model on it, and what is missing: to find out why it is slow or fails."""
