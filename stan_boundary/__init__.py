"""What crosses the border between this project and its users: typed words, received files, written files.

command_line: what was typed, checked, and the help that says what can be typed.
entry: how every command ends when the user's input cannot be used.
errors: the one kind of error that is the user's to mend.
file_names: any name that a file has, as text and as the name of a recording; normal forms compared.
writing: files that are there whole or not at all.
"""
