"""What a module is for, where Sayso has to know: whose customers, invoices and people these are.

A company may call its modules as it likes; each purpose is that of one module at most.
"""

from enum import StrEnum


class Purpose(StrEnum):
    """What the records of a module are."""

    CUSTOMER = "customer"  # who owes, is written to, and hangs together what belongs to it
    CUSTOMER_GROUP = "customer_group"
    CONTACT = "contact"  # a person at a customer
    INVOICE = "invoice"
    INVOICE_CONTACT = "invoice_contact"  # a contact that is written to about one invoice
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    LEAD = "lead"  # what a visitor of a public form becomes


# Definitions of before purposes were said have the names that these modules came with.
CAME_AS = {
    "accounts": Purpose.CUSTOMER,
    "customer_groups": Purpose.CUSTOMER_GROUP,
    "contacts": Purpose.CONTACT,
    "invoices": Purpose.INVOICE,
    "invoice_contacts": Purpose.INVOICE_CONTACT,
    "credit_notes": Purpose.CREDIT_NOTE,
    "payments": Purpose.PAYMENT,
    "leads": Purpose.LEAD,
}
