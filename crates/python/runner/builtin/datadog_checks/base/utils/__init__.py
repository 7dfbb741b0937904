"""Small things that checks import."""
