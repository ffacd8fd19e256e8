"""What crosses the border between this project and its users: typed words, received files, written files.

composition: objects from plain data, made by `_target_`.
command_line: what was typed, checked, and the help that says what can be typed.
configs: where the Hydra configs lie.
config_folder: folders of configurations that a command line adds, checked before Hydra reads them.
environment: variables that libraries read when they are loaded, chosen where the user chose nothing.
cores: how many processors this process may use.
entry: how every command ends when the user's input cannot be used.
errors: the one kind of error that is the user's to mend.
file_names: any name that a file has, as text and as the name of a recording; normal forms compared.
listing: lists of recordings that others wrote, bounded before they are read.
names: names and texts of others, as file names, on a terminal and in a spreadsheet.
numbers: numbers within bounds.
opening: files of others: regular ones, zips and JSON of bounded size.
trouble: what the machine refuses, said in one line.
received_folder: what belongs to a folder lies in it, links followed.
targets: what a configuration of others may name: classes by an allow-list, and values of its own.
picture: what a picture's header says, before it is decoded.
typed: next commands as their reader types them.
writing: files that are there whole or not at all.
yaml_file: YAML that others wrote, bounded before it is built.
"""
