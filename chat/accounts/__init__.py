"""Accounts of visitors: signing up, in and out, taking conversations along, leaving for good."""
