"""`chatttsctl doctor`: small checks, each of which ends in a finding that says how to mend it."""
