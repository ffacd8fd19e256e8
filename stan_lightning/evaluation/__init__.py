"""Evaluation.

trained: What a checkpoint tells: the network, how its clips were read, who it was trained on.
released: The authors' released weights in place of a checkpoint.
candidate: What is evaluated, on what, and against whom it was trained.
runtime: What computes the scores: torch, or onnxruntime.
scoring: Every window of a partition through the network once.
timeline: When in its video each window lies.
units: From windows to clip, video, session, subject.
intervals: What an estimate would be without each person in turn.
statistics: Metrics with an interval that respects who was filmed.
calibration: Whether scores mean what they say, and gaps between groups.
screening: How well a score at a cut-off finds those who are above it.
within_person: Whether scores follow a person's own changes, and how far tasks agree.
memory: How much of a score on people whom training has seen is knowing the person.
validity: These together.
new_people: How often the interval for a new person held the labels of those evaluated.
dealt: A model's own predictions swapped between people.
baselines: What can be said without a network.
ridge: What a recording's circumstances, and simple statistics of behaviour, tell.
tables: The tables and numbers that every evaluation writes.
results: The files of an evaluation, written and read back.
received: Evaluations that others made, checked before anything is computed from them.
run_files: What a report reads of the run that an evaluation belongs to.
verdict: The one table that a command ends with, and how numbers are written.
findings: What the numbers say, a line a comparison.
modalities: What each modality contributes to a network that reads several.
robustness: The network under noise, blur and shuffled frames, and with noisy, dull or loud sound.
identity_audit: How well the network's features tell people apart.
runs: Evaluations of several runs: found on disk, told apart, folds pooled.
over_runs: The error of a recipe over trainings and people together.
ensemble: Runs that differ by seed alone as one.
comparison: Any two that scored the same recordings.
"""
