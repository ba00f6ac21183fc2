"""The web page: the whole tool in a browser, on trame-slicer's views and MRML.

``state`` is what the page shows; ``panels`` and ``views`` show it; ``desk`` connects them with the workspace;
``serving`` lets a browser in.
"""
