"""What crosses the border between this project and its users: typed words, received files, written files.

composition: objects from plain data, made by `_target_`.
command_line: what was typed, checked, and the help that says what can be typed.
entry: how every command ends when the user's input cannot be used.
errors: the one kind of error that is the user's to mend.
writing: files that are there whole or not at all.
"""
