"""Processes that do the work, and the progress bar over them.

pool: Local worker processes, each on a line of its own.
dask_pool: The same tasks on a Dask cluster that the user has started.
progress: One progress bar over all frames of all recordings.
"""
