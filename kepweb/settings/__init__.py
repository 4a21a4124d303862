"""Three settings: `base` is true everywhere, `embedded` runs with no configuration, `production` refuses to guess."""
