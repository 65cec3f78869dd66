"""What use cases are made of. None of it is a use case: those are the modules of the folder above."""
