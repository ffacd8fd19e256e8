"""One preprocessing run.

run: A corpus in, a folder of crops out, whatever happens between.
plan: What a run has to do, told from what the output folder holds.
tasks: What a worker does with one recording.
clocks: What a worker does with a recording without pictures.
additions: What may be added to crops in a pass of its own: the sound, the behaviour signal.
"""
