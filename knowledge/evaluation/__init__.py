"""How well the search finds what experts answered, and how well it knows when they did not."""
