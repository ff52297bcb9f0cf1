"""HTTP only: one file per audience, models beside their routes."""
