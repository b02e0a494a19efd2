"""What is alive and set, and the company's calendar."""
