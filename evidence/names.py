"""Name constraints (RFC 5280, 4.2.1.10): may an authority speak for the names in a certificate below it?

Directory names, DNS names and e-mail domains are understood. A constraint over any other form of name permits nothing,
because a rule that is not understood must not be passed over (V-061).
"""

from collections.abc import Iterable

from cryptography import x509

_UNDERSTOOD = (x509.DirectoryName, x509.DNSName, x509.RFC822Name)


def names_permitted(authority: x509.Certificate, below: x509.Certificate) -> bool:
    """Whether every name in `below` lies within what `authority` is permitted; True if it is not constrained."""
    try:
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    permitted, excluded = constraints.permitted_subtrees or [], constraints.excluded_subtrees or []
    if not all(isinstance(tree, _UNDERSTOOD) for tree in (*permitted, *excluded)):
        return False
    return all(_permitted(name, permitted, excluded) for name in _names(below))


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    subject: list[x509.GeneralName] = [x509.DirectoryName(certificate.subject)] if certificate.subject.rdns else []
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return subject
    return [*subject, *alternatives]


def _permitted(
    name: x509.GeneralName, permitted: Iterable[x509.GeneralName], excluded: Iterable[x509.GeneralName]
) -> bool:
    if any(_within(name, tree) for tree in excluded):
        return False
    same_form = [tree for tree in permitted if type(tree) is type(name)]
    return not same_form or any(_within(name, tree) for tree in same_form)


def _within(name: x509.GeneralName, tree: x509.GeneralName) -> bool:
    if isinstance(name, x509.DirectoryName) and isinstance(tree, x509.DirectoryName):
        return list(name.value.rdns)[: len(tree.value.rdns)] == list(tree.value.rdns)
    if isinstance(name, x509.DNSName) and isinstance(tree, x509.DNSName):
        return _below(name.value, tree.value)
    if isinstance(name, x509.RFC822Name) and isinstance(tree, x509.RFC822Name):
        if "@" in tree.value:
            return name.value == tree.value
        host = name.value.rpartition("@")[2].lower()
        wanted = tree.value.lower()
        return host.endswith(wanted) if wanted.startswith(".") else host == wanted
    return False


def _below(host: str, domain: str) -> bool:
    """Whether a DNS name is the domain or lies in it."""
    host, domain = host.lower(), domain.lower()
    return not domain or host == domain or host.endswith("." + domain)
