"""From staged files to published tables: manifests, ledger, publish, verify, query."""
