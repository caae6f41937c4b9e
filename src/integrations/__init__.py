"""The gate inside engines of others: one package each, loaded only when it is imported."""
