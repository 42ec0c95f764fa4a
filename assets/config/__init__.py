"""`defs.yaml`: its fields, its messages, and the component that loads it."""
