"""Acts of the provider's own people that need a second pair of eyes: what is asked for, and what is done once allowed.

Each file owns its kinds (`accounts.approvals`): the verb by which a clerk or the back office asks, with its refusals,
and the act. What an act needs to know stands in the facts of the request and is looked at again when it is done: days
may have passed. The acts themselves are the verbs of their owners (`recovery`, `lifecycle`, `operating`); nothing
here changes an account by itself, and nothing here ever sees a secret (V-013).
"""


def register_all() -> None:
    """Tell `approvals` of every kind of this floor; called once, when the process starts."""
    from . import closing, offices, phone, postings, reset

    for each in (reset, phone, offices, closing, postings):
        each.register()
