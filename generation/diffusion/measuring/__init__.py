"""What the engine is measured with: tiny and full-size random models, the stock pipeline, counted operations."""
