"""A Singer target that loads every record into DuckDB, each value as it came, and fast.

Tables are made and widened by target-duckdb's own ``DbSync``: names in lower case, nested values
in JSON columns, timestamps without zone in UTC, so that a warehouse of target-duckdb goes on. How
rows get into them is written anew, because target-duckdb 0.8.0 hands them to DuckDB as CSV files
and lets it guess what kind of CSV they are
(https://duckdb.org/docs/stable/data/csv/auto_detection). It guesses wrong: with DuckDB 1.3 and
later the first record of a batch passes for a header and is lost
(https://github.com/jwills/target-duckdb/pull/58, in no release), a text in apostrophes loses them,
and an offset other than UTC is dropped.

Here DuckDB reads JSON itself, in one statement for each stream: the files of a BATCH message as
they are, and single records from a temporary file of RECORD messages, as they came. Everything
that is stored together is one transaction, and a STATE is written only when all that came before
it is in the database, at once if it is.

``command`` is the command line, ``loader`` takes the messages, ``sql`` words the statements.
"""
