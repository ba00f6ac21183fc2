"""Desktop Slicer: the only place where Qt and the host's application are named."""
