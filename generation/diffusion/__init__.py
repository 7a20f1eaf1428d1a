"""SDXL steered by ControlNets, on our own denoise loop. Importing this package loads neither torch nor diffusers.

Modules that say "knows torch" in their first lines are imported when something is painted, loaded or measured; the
others are plain data and bookkeeping.
"""
