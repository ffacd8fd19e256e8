"""The network under training, and runs that survive what happens to them.

module: Loss, optimiser and metrics.
objective: What outputs mean: their loss, score, metrics and selection.
parameter_groups: Groups of parameters with rates of their own.
metrics: Window outputs gathered into recordings, exactly, on one device or many.
callbacks: What watches training beside the module.
interval: Development every so many epochs, a row every epoch.
development: In which precision development is scored.
divergence: A run that has become NaN ends there, with its last good weights kept.
checkpoints: Checkpoints that are whole or absent.
resume: Going on with a run where it stood, by its own config.
places: Where a configuration of others may write.
metrics_table: metrics.csv, one row an epoch.
interruption: Ctrl-C, SIGTERM and what the machine refuses end a run in a line that says how to go on.
run_folder: A run's folder is tried before anything starts.
refusals: Settings that cannot work, refused before anything is trained.
bfloat16: Whether this CPU's bfloat16 convolutions have gradients.
trainer_refusals: Lightning's settings that would make a number another one than it says.
rehearsal: fast_dev_run, a batch through every part of a run, with nothing written.
processes: Which of the processes of one run this is.
summary: What training says at its start and its end.
sweep_table: What a multirun ends with.
dashboard: The W&B dashboard of a run.
dashboard_pictures: What the dashboard shows beside curves.
versions: The versions that a run or an evaluation was made with.
quiet: What Lightning and torch say that nobody can act on, left out.
"""
