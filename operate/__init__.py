"""What an operator does with policies: look back, check, explain, roll back."""
