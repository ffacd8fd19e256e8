"""The audit: what networks and evaluations show where the truth is known.

films: What the networks see, and the labels and partitions dealt over it.
trainings: The networks and how they are trained.
scores: What a trained one says of its test partition.
commands: The project's own commands, each done once.
questions: One difference each, and what it should be.
decisions: What replicates show.
tables: The table.
"""
