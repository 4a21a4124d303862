"""A certificate file that cannot be read is a finding of the check, never an error of it (V-062)."""

import pytest

from evidence.containers import from_pem, to_pem


@pytest.mark.parametrize("damage", [(b"=", b"A"), (b"A", b"=")])
def test_a_block_that_is_no_base64_is_as_if_it_were_not_there(damage: tuple[bytes, bytes]) -> None:
    sound = to_pem([bytes(100), bytes(range(200))])
    assert from_pem(sound) == (bytes(100), bytes(range(200)))
    found = from_pem(sound.replace(*damage, 1))
    assert bytes(range(200)) in found
