"""The counter of a branch: applications received, checked step by step, and turned into accounts.

A clerk acts for his branch and for nothing else. He sees masked identity numbers, no mail (V-049) and no secret
(V-013); an application of another branch is refused like one that does not exist (V-042). Every act names clerk and
branch in event log and history.
"""
