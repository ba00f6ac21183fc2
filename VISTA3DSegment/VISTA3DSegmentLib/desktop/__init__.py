"""The panel of desktop Slicer: the only part of the package that names Qt and the host's application.

``panel`` connects the widgets of ``Resources/UI/VISTA3DSegment.ui`` with the workspace; each other file is one part of
it. Everything runs on the main thread; what the engine answers is taken by a timer that runs only while a job is open.
"""
