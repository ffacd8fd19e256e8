"""Who is there: every corpus as a list of recordings with their subjects, partitions and labels.

recording: One recording of a corpus and what the corpus says of it.
corpus: What every corpus reader hands over, and what can be said of any corpus.
csv_rows: Rows of a table as people and spreadsheets save them.
session_files: Files of sessions in folders, zips and tar.gz, read where they lie.
turns: Who speaks when, as transcripts and diarisation tools write it.
labels: Scores as corpora write them, checked.
avec: AVEC2014 and AVEC2013 as users receive them.
manifest: Any other corpus, a CSV with one recording a row.
"""
