"""A whole run: the cases are run, the claims judged and the report written. The one place where these meet."""
