"""What is said with everything that is made from drawn people, and with every result."""

SYNTHETIC = (
    "Drawn people, not recorded ones: this shows that the pipeline works, and nothing about depression."
)
DISCLAIMER = "Research software, not a diagnostic device."
TRAINED_ON_DRAWN = f"The network was trained on synthetic data. {SYNTHETIC}"
