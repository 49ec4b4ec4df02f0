"""Components at run time: instances over the engine's core modules, host interfaces, Python faces.

README.md is the way in; `load.load_component` is the door.
"""
