"""Whose network address a request came from: the peer's, or what a proxy of ours says about the peer (V-082).

A client may send any `X-Forwarded-For` it likes. Only where a proxy of ours stands before us is that header read, and
of its entries only the last, which that proxy has added itself.
"""


def client_address(peer: str, forwarded: str, *, is_behind_proxy: bool) -> str:
    """The address to write down and to count by; `forwarded` is the header as it came, or empty."""
    last = forwarded.rsplit(",", 1)[-1].strip()
    return last if is_behind_proxy and last else peer
