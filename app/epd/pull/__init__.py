"""News that we fetch ourselves: the feed of changes, everybody anew, and files of records."""
