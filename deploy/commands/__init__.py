"""The commands of ``retention``, one a file. Each imports what it needs when it runs, so that ``--help`` is quick."""
