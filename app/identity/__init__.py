"""Who is at the browser: the log-in of the government, and our own sessions."""
