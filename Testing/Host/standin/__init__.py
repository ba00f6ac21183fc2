"""The stand-in for the Qt side of desktop Slicer; ``host.py`` beside this folder is its entry."""
