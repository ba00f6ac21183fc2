"""What a person works on, in whatever shell: a scan with its engines and its annotation.

``workspace`` holds it together; ``asking`` is asking by words and boxes, and ``guidance`` what is said about it;
``telling`` says how it stands in the words that every shell shows; ``choices`` is what can be asked for; ``estimate``
what it will cost.
"""
