"""From which columns each column of a derived table is made: one declaration per table, read by lineage and tests."""
