"""HTTP/1.1 for streams of many small pieces, below the official client."""
