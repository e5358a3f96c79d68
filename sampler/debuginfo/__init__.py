"""What an executable says of itself."""
