"""What is left on disk: one zip a recording, manifest.csv, and the pages to look at.

settings: What decides the bytes of a recording's crops, besides the video.
output_folder: The folder that a run writes to, held by one run at a time.
recording_zip: Crops, track and manifest row of one recording, written whole or not at all.
record: What a recording's zip may say of itself, checked.
signal_folder: A signal measured here, on disk.
signal_run: Signals of many recordings, measured in parallel.
flac: A recording's sound as FLAC.
manifest: manifest.csv, made from the zips and nothing else.
quality: What can be said of a recording's crops without knowing what they should show.
quality_page: quality.html, on which a user sees whether the crops can be trusted.
contact_sheet: A picture of a hundred crops of one recording.
table: The table that a run ends with.
"""
