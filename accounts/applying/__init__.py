"""Applications for an account: from the first form to the account that is open (K-020..K-026, W-001..W-004)."""
