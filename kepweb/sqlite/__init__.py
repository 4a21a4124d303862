"""The embedded profile's database: Django's SQLite, with a shorter wait for the right to write (see `base`)."""
