"""Persons, holders, KEP accounts, and the rights between them; who serves at the desk, and what was applied for.

A person signs in; an account owns mail. Between them stands the right to act: the holder of a natural
person's account acts by himself, everybody else through an `Operator` row with single rights and dates
(K-130..K-133). No login is ever shared, and every act names person and account.
"""

from .applications import Application, ApplicationChange, CheckedStep, Document
from .codes import OneTimeCode, SmsAttempt, SmsNotice
from .doors import DoorTally
from .holding import AccountChange, AccountHolder, EntityDomain, KepAccount
from .operators import Operator, OperatorInvitation
from .people import KnownDevice, OpenVisit, Person, TermsAccepted, WrongTries
from .posts import Approval, Branch, Post
from .proofs import EImzaProof

__all__ = [
    "AccountChange",
    "AccountHolder",
    "Application",
    "ApplicationChange",
    "Approval",
    "Branch",
    "CheckedStep",
    "Document",
    "DoorTally",
    "EImzaProof",
    "EntityDomain",
    "KepAccount",
    "KnownDevice",
    "OneTimeCode",
    "OpenVisit",
    "Operator",
    "OperatorInvitation",
    "Person",
    "Post",
    "SmsAttempt",
    "SmsNotice",
    "TermsAccepted",
    "WrongTries",
]
