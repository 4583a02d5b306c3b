"""Cells in, rows out: the ClickHouse side of the pipeline.

``client`` connects and names failures, ``migrate`` creates the tables and views of ``scripts``, ``upsert`` writes the rows
of a flush in ``threads`` of its own, and ``retry`` keeps trying while the server is away. Tables are ``migrations/NNNN_verb_subject.sql``, never edited after a
release; views are ``views/*.sql`` and replaced by every migration.
"""
