"""Mail and texts as they go out and come in: servers, providers, doors."""
