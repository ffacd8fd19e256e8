"""The numbers of the prosody signal: names, units and definitions. One row every 16 ms, at `time_s`.

===========  =====  =====================================================================================
pitch        st     fundamental frequency in semitones above 27.5 Hz; missing where no voice sounds
voicing      1      confidence that a voice sounds, 0 to 1; voiced from 0.5 on
loudness     dB     level of the 32 ms about the moment, of full scale; missing in digital silence
tilt         dB     level of 50 to 1000 Hz less that of 1 to 5 kHz in the same 32 ms (the alpha ratio of
                    eGeMAPS with its sign turned: more is duller); missing as loudness is
speech       1      probability that somebody speaks, 0 to 1
pause        1      1 within a gap of at least 0.25 s without speech or voice (either from 0.5 on), 0
                    elsewhere between the first of them and the last; missing before and after
===========  =====  =====================================================================================
"""

COLUMNS = {"pitch": "st", "voicing": "1", "loudness": "dB", "tilt": "dB", "speech": "1", "pause": "1"}
"""Columns with their units, in the order of the file."""
