"""What a day of a user and of a segment came to. Pure: values in, values out."""
