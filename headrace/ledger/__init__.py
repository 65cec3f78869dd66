"""The ledger of a job: immutable records beside its tables. Here are their forms, as pure values."""
