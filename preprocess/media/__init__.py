"""Media files: containers, streams, and when each picture is shown.

container: Media files opened for reading: this file and no other.
survey: A file's streams and the stamps of their packets, read once without decoding a picture.
streams: Which of a file's streams are its film and its sound.
clock: When each picture of a film is shown, whatever the container's clock does.
samples: How many samples an MP4 or QuickTime file claims.
estimate: How long a video seems to be, for the progress bar alone.
"""
