"""What the metrics share."""
