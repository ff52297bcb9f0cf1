"""Pages, texts and static files; no rules of the domain."""
