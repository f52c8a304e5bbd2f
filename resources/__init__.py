"""Resources of the Dagster code location: where things are (`settings`), what assets and sensors share, and `up`.

Belongs here: everything that binds the platform to one installation – folders, URLs, the clock – as Dagster
resources, and the command that starts an installation. Does not belong here: planning, or any rule.
"""
