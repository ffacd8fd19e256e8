"""One video to face crops: decode, detect, follow, align, write.

crop: One video to crops.
decode: Video files to upright pictures, whatever is wrong with the file.
shown: A decoded frame as a player shows it.
headers: What containers state that FFmpeg does not pass on, such as the part of a picture that is shown.
interlace: Interlaced film to whole pictures.
tone: Pictures of high dynamic range as a standard display shows them.
model_file: The face detection models, where they come from and how they are checked.
detector: MediaPipe's face detector as a function from a picture to faces.
libraries: The system libraries that MediaPipe and OpenCV need and no wheel brings.
search: Finding faces and telling them from what only looks like one.
track: Which face is the subject's, one track through a recording.
sequence: From what each frame shows to the sequence of crops.
alignment: Square crops cut out of a picture.
"""
