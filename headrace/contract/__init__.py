"""What a topic and its table hold and promise: the contract file, read strictly, and what follows from it."""
