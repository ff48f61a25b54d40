"""Looks at every part of an installation and says in plain words what is wrong."""
