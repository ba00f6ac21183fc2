"""One volume being annotated: its objects, the questions asked of an engine, and what can be undone."""
