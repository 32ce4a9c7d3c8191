"""Running cases: what a case is, its steps, the cache, jobs, checks, results. No claim is judged here."""
