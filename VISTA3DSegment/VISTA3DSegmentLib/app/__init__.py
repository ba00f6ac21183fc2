"""The web page: the whole tool in a browser, on trame-slicer's views and MRML.

``workspace`` is what a person works on, without a page; ``state`` is what the page shows; ``panels`` and ``views`` show
it; ``desk`` connects them; ``serving`` lets a browser in.
"""
