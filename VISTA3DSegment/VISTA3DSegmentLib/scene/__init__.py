"""The scene: volumes, segments and markups of a MRML scene, on the side of Slicer, without Qt.

The scene and everything of the host is given by whoever calls; nothing here reaches for a global.
"""
