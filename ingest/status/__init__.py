"""What is indexed, from where, when last and by which model."""
