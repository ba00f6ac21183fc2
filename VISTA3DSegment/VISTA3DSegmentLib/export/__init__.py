"""Files that other systems accept, and a report that people read."""
