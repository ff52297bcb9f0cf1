"""The digital Lerarenkaart: wallet passes for teachers, one verification endpoint for shops."""
