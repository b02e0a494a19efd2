"""The servers that Sayso talks to and hears from: mail, text messages, web, model."""
