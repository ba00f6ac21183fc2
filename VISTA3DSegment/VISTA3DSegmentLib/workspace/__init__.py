"""What a person works on, in whatever shell: a scan with its engine and its annotation.

``workspace`` holds it together; ``telling`` says how it stands in the words that every shell shows; ``choices`` is what
can be asked for; ``estimate`` what it will cost.
"""
