"""What a message flow is and how it changes: pure, without I/O, clock or framework."""
