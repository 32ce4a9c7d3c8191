"""Class names, one module a tool."""
