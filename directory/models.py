"""The directory keeps no table of its own yet: it reads the accounts' rows, and providers come from the settings."""
