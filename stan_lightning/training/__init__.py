"""The network under training.

module: Loss, optimiser and metrics.
losses: Losses of scores beside torch's own: concordance, ranking, sums.
objective: What outputs mean: their loss, score, metrics and selection.
parameter_groups: Groups of parameters with rates of their own.
class_metrics: What told classes are worth, for development and every evaluation.
metrics: Window outputs gathered into recordings, exactly, on one device or many.
frozen: What does not train, as part of a run's state.
averaging: Averages of the weights, which are validated and saved.
conformal: How far a score may be from the label of a new person.
development: In which precision development is scored.
reader: Fits the linear layer of a probe by folds of training subjects.
refusals: Settings that cannot work, refused before anything is trained.
trainer_refusals: Lightning's settings that would make a number another one than it says.
"""
