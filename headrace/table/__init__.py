"""From contracts to DDL: the columns of the tables and the statements that Flink runs. Only text."""
