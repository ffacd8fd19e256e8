"""How a recording sounds, as named numbers: one row every 16 ms, measured on the sound beside the crops.

columns: The numbers' names, units and definitions.
measure: From samples to the numbers.
speech: When somebody speaks, and when speech pauses.
signal_file: The signal on disk.
__main__: The command.
"""
