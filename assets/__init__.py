"""Dagster assets and asset checks, one file per stage of the night; `definitions` is the code location.

Belongs here: what Dagster must know of each table (key, group, owner, checks, metadata) and the thin step that calls
the nights API. Does not belong here: planning, reading and writing of tables, decisions about what a night is.
"""
