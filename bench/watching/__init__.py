"""What `bench/live.py` is made of."""
