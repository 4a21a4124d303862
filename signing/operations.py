"""The verbs of a signing operation. Builder SIGNER fills this file; these signatures are the contract.

ask(*, purpose, person, tckn, acting_for, reference, reference_version, content: bytes, content_type, now)
    -> Asked(operation, code)          vault.put first; one open operation per (person, reference): the older is cancelled
claim(code, *, client, now) -> Claimed(operation, token)
offer_certificate(token, certificate: bytes, chain, *, now) -> SigningOperation     signing.profile + evidence.trust
document(token, *, now) -> bytes                                                      only in OFFERED
complete(token, signature, *, now) -> SigningOperation                                assemble, verify in full, SIGNED, ring
cancel(operation_id, *, person, now) | cancel_by_token(token, reason, *, now)
cancel_for(*, reference, purpose) -> int   inside the caller's transaction: end every open operation AND every SIGNED, not yet
    consumed one of this reference (the draft changed or was discarded); returns how many
latest_for(*, person, reference, purpose) -> SigningOperation | None                      for the asking page
extend(operation_id, *, person, now) -> SigningOperation                              a new code for the same bytes
expire_due(now) -> int
take_signed(purpose, limit) -> list[SigningOperation]     SIGNED ones, oldest signed_at first; for the floor above; read only
content_of(operation) -> bytes                            the signed octets, from the vault
consume(operation, *, now)      conditional UPDATE SIGNED -> CONSUMED inside the caller's transaction; StaleOperation otherwise
turn_down(operation, code, *, now)   SIGNED -> CANCELLED with the refusal code: the floor above could not use it

Settings used: KEP_SIGNING_LIFE, KEP_WEB_ORIGIN, KEP_SIGNED_BELL (dotted path of a callable without arguments,
rung on commit after SIGNED; the product sets "kepweb.bell.ring_deliver").
"""
