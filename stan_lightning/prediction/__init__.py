"""Recordings of one's own through a trained network: what ``predict`` and `Model` do.

intake: Whatever is handed in as a table of recordings with crops.
refusals: Why a recording cannot be scored, or is scored without one of its modalities.
prepared: From what is handed in to recordings that a network can score.
answers: What a network says of each recording: a score, or probabilities of classes.
new_person: Between which scores a new person's label lies.
model: A trained network in three lines of Python.
"""
