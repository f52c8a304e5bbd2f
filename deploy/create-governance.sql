-- First start of the database container: the governance store beside Dagster's own database.
CREATE DATABASE governance;
