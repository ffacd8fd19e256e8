"""A trained network handed on: the model folder, its card, and the hub.

folder: From a checkpoint to a model folder, and back.
corpus: Whose agreement has a word in it, and what of the corpus must not be told.
scan: Every byte of a folder searched for names, labels, paths and pictures.
hub_results: One evaluation's numbers as the hub lists them.
class_worth: What a network that tells classes is worth, as that card has it.
card: The model card.
hub: Folders sent to and fetched from the Hugging Face Hub.
"""
