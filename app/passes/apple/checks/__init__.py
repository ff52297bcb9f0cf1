"""What can be wrong with a .pkpass, one kind of fault per module; `inspect` runs all."""
