"""The provider's back office: approvals inbox, branches, who serves, orders about accounts. It owns no rows of its own.

Whoever comes in holds a running post of the back office, asked of the rows at every request (V-043). Nothing here opens
content (V-049), and what changes somebody's rights or an account is a request that a second person decides (V-046).
"""
