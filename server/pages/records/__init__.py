"""Lists, forms, import and export of records."""
