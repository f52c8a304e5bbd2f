"""The proposal: delta view against the schedule in force, exception moves with measured effects, expected impact."""
