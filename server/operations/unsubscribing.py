"""The end of all automatic mail to an address, by whoever holds the link in a mail. Pages only."""

from engine.installation import Installation
from engine.records.signed_links import Claim
from engine.runs.sending.unsubscribing import unsubscribe


def claim_in(installation: Installation, token: str) -> Claim | None:
    """Whose address a link is for; None where it is none of ours."""
    claim = installation.database.links.read(token, installation.world.now())
    return claim if claim and claim.purpose == "unsubscribe" else None


def end_mail(installation: Installation, claim: Claim) -> None:
    """Send the address of this link no more automatic mail."""
    with installation.database.begin() as tx:
        unsubscribe(tx, claim.subject)
    installation.changed()
