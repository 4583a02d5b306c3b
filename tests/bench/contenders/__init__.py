"""The programs that are measured besides our worker: each a process of its own that prints how far it has come.

They import nothing of the project but what is in this folder, unless their docstring says so: most run in an
environment that holds their libraries alone.
"""
