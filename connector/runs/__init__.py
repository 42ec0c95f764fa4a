"""Report runs: adopted or created, and waited for many at a time."""
