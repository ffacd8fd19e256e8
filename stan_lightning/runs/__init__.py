"""Runs that survive what happens to them.

run_folder: A run's folder is tried before anything starts.
checkpoints: Checkpoints that are whole or absent.
resume: Going on with a run where it stood, by its own config.
places: Where a configuration of others may write.
callbacks: Lightning's callbacks of a run, put together.
interval: Development every so many epochs, a row every epoch.
divergence: A run that has become NaN ends there, with its last good weights kept.
interruption: Ctrl-C, SIGTERM and what the machine refuses end a run in a line that says how to go on.
rehearsal: fast_dev_run, a batch through every part of a run, with nothing written.
summary: What training prints at its start and its end.
versions: The versions that a run or an evaluation was made with.
quiet: Warnings of Lightning and torch that nobody can act on, left out.
"""
