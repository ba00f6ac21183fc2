"""Interactive segmentation of CT with VISTA3D: for 3D Slicer, the web and the command line.

This package imports neither torch nor Slicer; torch is loaded when an engine is opened.
"""

__version__ = "0.1.0"
