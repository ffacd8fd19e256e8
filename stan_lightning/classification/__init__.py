"""Evaluation of a network that tells classes.

metrics: Accuracy, F1, recall, area under the curve and Brier score, with intervals over people.
tables: From windows' probabilities to recordings and sessions, and all numbers of an evaluation.
baselines: What can be said of a class without a network.
logistic: What simple numbers tell of a class.
calibration: Whether probabilities mean what they say.
findings: What the numbers say, a line a comparison.
assessment: One evaluation, from scored windows to its tables and numbers.
received: The files of an evaluation, checked before anything is made of them.
terminal: The one table that a command ends with.
"""
