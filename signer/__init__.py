"""kep-imza: the desktop program that signs with the person's own e-imza.

It runs on the person's machine, talks to one provider over HTTPS and to one card or key file, and imports
nothing of the provider's own code: whoever doubts the provider can read these few files alone.
"""

VERSION = "1.0"
"""The protocol speaks of `kep-imza/<VERSION>`; the package version follows it."""
