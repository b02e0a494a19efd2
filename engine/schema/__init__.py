"""What records are made of: fields, modules, SQL types. Pure."""
