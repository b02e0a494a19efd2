"""The workflow document: its checks, versions, differences, advice and hash."""
