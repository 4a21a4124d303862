"""Appointing operators (işlem yetkilisi): who may act for an account, by whose word, and for how long (K-130..K-133).

A person becomes an operator by an invitation that he accepts himself, signed in with all his factors: nobody is made
responsible for an account by somebody else's typing (W-005). What he then may do are single switches (K-131).

**Who appoints.** A main operator with the right to manage operators appoints and changes everybody. Another operator
with that right gives only what he holds himself, never to himself, and never touches a main operator: the right to
manage must not be a road to every other right.

**What must never be false.** An account always keeps one main operator whose office has no end and who may manage
operators (W-006); every change locks the account's row first, so that two main operators cannot remove one another.
What is taken away is gone with the commit, and the visits of whom it was taken from end in the same transaction.

**What a manager does not learn.** Whether the number he types belongs to somebody already known here, and that
person's name or phone: until the invitation is accepted he sees what he wrote himself (V-008, V-011).
"""
