"""The recording's voice beside its crops.

decode: A media file's sound on the film's clock.
tape: Samples laid down by their times: 16 kHz, mono, 16 bit, as long as the film.
alone: A sound that no film goes with: it has its own clock.
hear: Which file a recording's sound comes from, and what it came to.
"""
