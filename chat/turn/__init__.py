"""The turn's pure core: no Django, no provider, no socket."""
