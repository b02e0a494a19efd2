"""Mailbox, outbox, senders, limits, writing to customers, statements, unsubscribing."""
