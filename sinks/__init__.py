"""Cells in, rows out: the ClickHouse side of the pipeline.

``client`` connects and names failures; ``migrate`` creates tables and views from ``scripts``; ``upsert`` writes the
rows of a flush, each insert in one of the ``threads``; ``retry`` goes on trying while the server is away. SQL is plain:
``migrations/NNNN_verb_subject.sql``, never edited after a release, and ``views/*.sql``, replaced by every migration.
"""
