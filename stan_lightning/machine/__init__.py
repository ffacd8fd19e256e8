"""What this machine has, and what a training needs of it.

fact: One thing that was looked at, and the line that mends it.
hardware: Processors, memory and GPUs.
libraries: Packages, whether they load, and what of the system they need.
media: Codecs and fonts.
places: Folders that are written: room and rights.
accounts: Whether the hub and W&B know this user; no secret is read out.
needs: Memory, time and disk of a training, predicted and tried.
training: A training by the words that would start it: whether it can begin, and its needs.

All but the last two are made of the standard library alone, since what they look for may be missing.
"""
