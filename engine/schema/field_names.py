"""What people call fields: spelled in another way, by their title, or as elsewhere."""

from collections.abc import Mapping

FIELDS = {
    "accountid": ("account",), "contactid": ("contact",), "parentid": ("account", "record"),
    "relatedto": ("account", "record"), "accountname": ("name",), "assigneduserid": ("owner",),
    "assignedto": ("owner", "assignee"), "smownerid": ("owner",), "email1": ("email",),
    "datedue": ("due_date",), "invoicedate": ("issue_date",), "dateissued": ("issue_date",),
    "issued": ("issue_date",), "hdngrandtotal": ("total",), "grandtotal": ("total",),
    "amountdue": ("balance",), "amountoutstanding": ("balance",), "outstanding": ("balance",),
    "amount": ("total",), "salesstage": ("stage",), "quotestage": ("status",),
    "sostatus": ("status",), "postatus": ("status",), "potentialname": ("name",),
    "currencyid": ("currency",), "currencycode": ("currency",), "billcity": ("city",),
    "mailingcity": ("city",), "billcountry": ("country",), "createdtime": ("created_at",),
    "datecreated": ("created_at",), "modifiedtime": ("modified_at",), "leadsource": ("source",),
    "recordid": ("id",), "title": ("position", "subject"), "fullname": ("name",),
    "displayname": ("name",), "otherphone": ("phone",), "mobilephone": ("mobile",),
}  # fmt: skip


def field_meant(word: str, titles: Mapping[str, str], singular: str) -> str | None:
    """The field that somebody meant who wrote it as elsewhere; None where that is not clear.

    `titles` are the fields by name, `singular` is what one record of their module is called.
    """
    if word in titles:
        return word
    plain = squashed(word)
    spelled = [name for name in titles if squashed(name) == plain]
    titled = [name for name, title in titles.items() if squashed(title) == plain]
    for found in (spelled, titled, _known(plain, titles), _shorter(word, titles, singular)):
        if len(found) == 1:
            return found[0]
    return None


def _known(plain: str, titles: Mapping[str, str]) -> list[str]:
    return [name for name in FIELDS.get(plain, ()) if name in titles][:1]


def _shorter(word: str, titles: Mapping[str, str], singular: str) -> list[str]:
    """Without what says no more than the module does: `invoice_no`, `ticketstatus`, `owner_id`."""
    plain, own = squashed(word), squashed(singular)
    rest = plain.removeprefix(own)
    ends = {"no": "number", "": "number" if plain.endswith("no") else ""}
    wanted = {rest, plain.removesuffix("id"), ends.get(rest, ""), "number" * word.endswith("_no")}
    return sorted({name for name in titles if squashed(name) in wanted - {""}})


def squashed(word: str) -> str:
    """A name without what people write in different ways."""
    return "".join(sign for sign in word.casefold() if sign.isalnum())
