"""The library of templates, its previews, and what a text may insert."""
