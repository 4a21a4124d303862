"""How parola and şifre are hashed: Argon2id over a keyed digest, at a cost a web process can pay (V-004).

Django's own Argon2 takes 100 MiB a hash; two hashes a try and eight tries at once would be 1.6 GB. OWASP's second
recommendation, 19 MiB with two passes, costs an attacker nearly as much and this machine 40 ms.

The secret is first brought to NFC, so that a letter typed composed or decomposed is the same letter (V-001), and
keyed with a pepper that lives outside the database: a stolen table alone cannot be searched, not even for the
million possible şifre values. The digest has a fixed length, so nothing is ever cut off.
"""

import hashlib
import hmac
import unicodedata

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher


class KepArgon2(Argon2PasswordHasher):
    """Argon2id, 19 MiB, t=2, p=1, over HMAC-SHA-256(pepper, NFC(secret))."""

    algorithm = "kep_argon2"
    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The stored form; any length and every character counts."""
        return str(super().encode(_keyed(password), salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` is the one `encoded` was made from."""
        return bool(super().verify(_keyed(password), encoded))


def _keyed(secret: str) -> str:
    canonical = unicodedata.normalize("NFC", secret).encode("utf-8", "surrogatepass")
    return hmac.new(settings.KEP_PASSWORD_PEPPER, canonical, hashlib.sha256).hexdigest()
