"""Language models: adapters behind chat.turn.language_model."""
