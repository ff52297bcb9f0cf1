"""The card office: what its people see and do, each time written down before it is shown."""
