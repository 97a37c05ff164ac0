"""Another model, or another way to decode and cut, without a moment without answers."""
