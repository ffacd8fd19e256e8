"""The drawn people: an embedded corpus, so that everything runs without a licence.

corpus: Draws people and writes mp4 and label files in AVEC2014's layout.
cast: Who is filmed: subjects, their sessions, partitions and scores.
look: The fixed look of a subject.
voice: The voice of a subject, and how a score shows in it.
behaviour: What a face does over time, and how a score shows in it.
face: Draws a face: a shaded head once a video, its moving features once a frame.
features: The features that move: brows, eyes, nose, mouth and glasses.
pen: Antialiased drawing in units of the face instead of pixels.
"""
