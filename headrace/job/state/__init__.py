"""What survives an edit: which operator of a new plan takes over which state of the old plan."""
