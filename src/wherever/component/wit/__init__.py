"""WIT: reading packages, resolving them, and printing a component's type as WIT."""
