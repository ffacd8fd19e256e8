"""Networks of transformers: what they make of faces and voices, stored as signals, or as encoders to train.

pretrained: A network of transformers, opened: shape, weights, and how it wants its input.
received: Of a stranger's model the shape and the weights, and nothing else.
face: A vision model over the face crops of a recording.
speech: A speech model over the sound of a recording, long ones in stretches.
signal_folder: Where it is written: whole files or none, of one encoder or none.
video_model: A video model as an encoder of a network that is trained.
run: All recordings of a set of crops, with a bar, going on where another run stopped.
"""
