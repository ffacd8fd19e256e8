"""From crops on disk to batches on the device.

manifest: The list of recordings.
scale: Scales of severity: range, bands and cut-offs.
labels: Labels as numbers: severity within its range, or indices of classes.
protocol: Who trains, who selects and who is reported.
crops: Reads the face crops of one recording.
track: A column of the `track.csv` in a zip of crops.
sound: A stretch of a recording's sound.
npz: Arrays of numbers out of an npz, bounded by their headers.
csv_size: How large a CSV is, before it is read.
signal_csv: Tables of numbers as programs and spreadsheets write them.
signal_file: One recording's measurements in time, at any moments.
signal_clock: Whether a signal's rows and a film agree, and by which clock rows are found.
signal_listing: Where the files of a signal lie, and what describes them.
grids: How long recordings are that have signals alone.
signals: The signals of a set of recordings, found and looked at.
readable: Whether a recording's crops can be read at all.
presence: Which recordings have which modality.
clips: Which frames make a clip: index arithmetic.
dataset: What the loader's workers do.
sampler: The order of training, a pure function of seed and epoch.
augmentation: What is changed in training clips, drawn by workers, applied on the device.
resize: Pillow's bicubic resize for batches of frames, on any device.
log_mel: Sound as the network reads it, and its augmentation.
loaders: Loaders of clips and windows.
inputs: From crops as they lie on disk to what the network reads.
facts: What a network takes from the data, and how clips are to come to it.
settings: What the arguments of a datamodule can be.
datamodule: From a set of crops to batches on the device.
nuisance: What a recording tells without the person in it.
signal_features: Simple statistics of a signal over a recording.
notices: What is said with everything made from drawn people, and with every result.
"""
