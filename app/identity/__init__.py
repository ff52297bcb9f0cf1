"""Who is asking: log-in, sessions, clients."""
