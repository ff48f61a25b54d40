"""/v1: the experts as a model that any OpenAI client can talk to."""
