"""Notices on results from synthetic subjects, and on every result."""

SYNTHETIC = "Synthetic subjects: this shows that the pipeline works, and says nothing about depression."
DISCLAIMER = "Research software, not a diagnostic device."
TRAINED_ON_SYNTHETIC = f"The network was trained on synthetic data. {SYNTHETIC}"
