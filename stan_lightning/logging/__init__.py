"""What a run records.

metrics_table: metrics.csv, one row an epoch.
dashboard: The W&B dashboard of a run.
dashboard_pictures: What the dashboard shows beside curves.
sweep_table: The table that a multirun ends with.
processes: Which of the processes of one run this is.
"""
