"""The pages of the price comparison."""
