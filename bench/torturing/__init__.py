"""What `bench/torture.py` is made of."""
