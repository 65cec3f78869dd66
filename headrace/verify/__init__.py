"""Proofs that need neither the ledger nor the code of publish."""
