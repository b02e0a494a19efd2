"""Mail as others write it: of people, of machines, and of servers that could not deliver ours."""

from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import make_msgid

OUR_BOX = "billing@demo.test"


def letter(
    sender: str,
    subject: str = "",
    text: str = "",
    *,
    to: str = OUR_BOX,
    html: str = "",
    files: Mapping[str, bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A mail somebody writes to us."""
    message = EmailMessage()
    given = {"Message-ID": make_msgid(domain="mail.test"), **(headers or {})}
    for name, value in {"From": sender, "To": to, "Subject": subject, **given}.items():
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, data in (files or {}).items():
        message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
    return bytes(message)


def bounce(
    message_id: str,
    address: str,
    status: str = "5.1.1",
    said: str = "550 5.1.1 There is no such mailbox here",
    *,
    action: str = "failed",
    to: str = OUR_BOX,
) -> bytes:
    """What a mail server reports (RFC 3464) of a mail of ours that it could not deliver."""
    fields = {
        "Final-Recipient": f"rfc822; {address}",
        "Action": action,
        "Status": status,
        "Diagnostic-Code": f"smtp; {said}",
    }
    status_part = "Reporting-MTA: dns; mx.test\n\n" + _lines(fields)
    headers = {"Auto-Submitted": "auto-replied", "Return-Path": "<>"}
    sender = "Mail Delivery System <mailer-daemon@mx.test>"
    parts = {
        "text/plain": f"I could not deliver your mail to <{address}>.\n{said}\n",
        "message/delivery-status": status_part,
        "message/rfc822": _lines({"Message-ID": message_id, "Subject": "A mail"}) + "\nText\n",
    }
    return _report("delivery-status", {"From": sender, "To": to, **headers}, parts)


def complaint(message_id: str, address: str, *, to: str = OUR_BOX) -> bytes:
    """What a provider reports (RFC 5965) of a reader who marked our mail as spam."""
    fields = {"Feedback-Type": "abuse", "User-Agent": "FBL/1.0", "Original-Rcpt-To": address}
    parts = {
        "text/plain": "This is an abuse report.\n",
        "message/feedback-report": _lines(fields),
        "message/rfc822": _lines({"Message-ID": message_id, "To": address}) + "\nText\n",
    }
    return _report("feedback-report", {"From": "feedback@provider.test", "To": to}, parts)


def _report(kind: str, headers: Mapping[str, str], parts: Mapping[str, str]) -> bytes:
    mark = "=_report"
    head = {
        **headers,
        "Subject": "Undelivered Mail Returned to Sender",
        "Message-ID": make_msgid(domain="mx.test"),
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/report; report-type={kind}; boundary="{mark}"',
    }
    told = (f"--{mark}\nContent-Type: {name}\n\n{text}\n" for name, text in parts.items())
    return f"{_lines(head)}\n{''.join(told)}--{mark}--\n".encode()


def _lines(fields: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
