"""The project: settings, addresses, the server process and the embedded database."""
