"""What a face does, as named numbers: one row a kept frame, measured on the crops alone.

columns: The numbers' names, units and definitions.
geometry: From the points of a face mesh to the numbers that it gives alone.
movement: What the signal tells of the head, and how fast anything moves.
mesh: MediaPipe's face mesh as a function from a crop to points.
measure: The crops of one recording to its signal.
signal_file: The signal on disk, whole or absent.
listing: Crops that are there, ours or others', by their manifest.
__main__: The command for crops whose videos are elsewhere, and for crops of others.
"""
