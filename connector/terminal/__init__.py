"""The one door to the terminal: escaped, and without secrets.

Everything printed goes through here, because much of it was written by strangers: customers' descriptions,
names of files, errors of other programs. `connector.text.visible` says what becomes of it.

    lines     lines and JSON
    tables    tables
    console   what tables and progress bars are printed with
    progress  progress bars
"""
